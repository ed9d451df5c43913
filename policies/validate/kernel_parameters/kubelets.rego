package validate.kernel_parameters

import data.lib.gateway
import data.lib.result
import data.lib.version

# METADATA
# description: >-
#   Kubelets let pods set few parameters unasked. The rest are the business of whoever runs the nodes, whom nobody can
#   ask from here.
warn contains finding if {
	input.gateway.spec.kernel.enabled
	some name, parameter in applied
	not parameter.nodeWide
	exception := unsafe(parameter)
	finding := result.finding(rego.metadata.chain(), {
		"field": field(name),
		"message": sprintf("must be allowed by the kubelets, is not by default%s", [exception]),
		"fix": sprintf("add %s to allowedUnsafeSysctls of the nodes' kubelets, or remove it", [name]),
	})
}

# Where the kubelet lets no pod set the parameter unless it is told to.
unsafe(parameter) := "" if {
	not parameter.safe
	not parameter.safeSince
}

unsafe(parameter) := sprintf(" before Kubernetes %s", [since]) if {
	since := parameter.safeSince
	some release in releases
	not version.at_least(release, since)
}

releases := {object.get(input, ["clusters", id, "facts", "kubernetesVersion"], "unknown") | some id in gateway.clusters}
