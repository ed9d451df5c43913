# METADATA
# title: Kernel parameters
# description: >-
#   A parameter that a pod cannot set, or that a node's kernel does not have, keeps every new pod from starting. On the
#   host's network the kubelet refuses any of net.*, and the Deployment makes new pods without end.
# related_resources:
#   - ref: https://help.aliyun.com/en/asm/sidecar/crd-fields-for-an-asm-gateway
#     description: ASM gateway CRD reference, Kernel tuning
#   - ref: https://www.alibabacloud.com/help/en/ecs/user-guide/change-the-tcp-time-wait-timeout-period
#     description: Change the TCP TIME-WAIT timeout period, which kernels have tcp_tw_timeout
#   - ref: https://github.com/kubernetes/kubernetes/issues/118702
#     description: Pods without end when hostNetwork meets a net sysctl
#   - ref: https://github.com/kubernetes/website/pull/56255
#     description: Which sysctls a pod can set
#   - ref: https://github.com/torvalds/linux/blob/master/net/core/sysctl_net_core.c
#     description: Linux, which parameters of the network each network namespace has (netns_core_table), and which one alone
# custom:
#   absent:
#     - clusters.*.facts.kernelVersions.**
#     - gateway.spec.hostNetwork
#     - gateway.spec.kernel.**
package validate.kernel_parameters

import data.lib.gateway
import data.lib.result

parameters := data.parameters.kernel_parameters

stated := object.get(input, ["gateway", "spec", "kernel", "parameters"], {})

# What pods would get. Parameters of a kernel section that is off do nothing.
applied := {name: parameter |
	input.gateway.spec.kernel.enabled
	some name, _ in stated
	parameter := parameters.supported[name]
}

deny contains finding if {
	some name, _ in input.gateway.spec.kernel.parameters
	not parameters.supported[name]
	finding := result.finding(rego.metadata.chain(), {
		"field": field(name),
		"message": sprintf("must be one of the %d supported kernel parameters, is %s", [count(parameters.supported), name]),
		"fix": "remove it; kubectl explain istiogateway.spec.kernel.parameters lists them",
	})
}

deny contains finding if {
	input.gateway.spec.kernel.enabled
	some name, parameter in applied
	parameter.nodeWide
	not prepares_nodes
	finding := result.finding(rego.metadata.chain(), {
		"field": field(name),
		"message": "must be a parameter that a pod can set, is one of the whole node",
		"fix": "remove it, and set it on the nodes",
	})
}

deny contains finding if {
	input.gateway.spec.hostNetwork
	some name, parameter in applied
	startswith(name, "net.")
	not is_set_on_the_node(parameter)
	finding := result.finding(rego.metadata.chain(), {
		"field": field(name),
		"message": "must be absent on the host's network, is set: no pod would start, and new ones would be made without end",
		"fix": "remove it, or set spec.hostNetwork to false",
	})
}

# The kernel shows the parameters of a node's network to nobody off it.
deny contains finding if {
	not input.gateway.spec.hostNetwork
	prepares_nodes
	some name, parameter in applied
	parameter.nodeWide
	startswith(name, "net.")
	finding := result.finding(rego.metadata.chain(), {
		"field": field(name),
		"message": "must be absent off the host's network, as it is one of that network alone, is set: no pod would start",
		"fix": "remove it, or set spec.hostNetwork to true",
	})
}

is_set_on_the_node(parameter) if {
	parameter.nodeWide
	prepares_nodes
}

# Whether a privileged init container sets in every cluster what a pod cannot. Rendering goes by the same profiles.
prepares_nodes if {
	count(gateway.clusters) > 0
	every id in gateway.clusters { input.clusters[id].mesh.privilegedInit }
}

field(name) := sprintf("spec.kernel.parameters.%s", [name])
