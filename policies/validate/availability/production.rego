package validate.availability

import data.lib.gateway
import data.lib.virtual

# METADATA
# description: Whether the gateway is one that must not fail; only those are held to this.
is_marked if input.gateway.metadata.labels[parameters.label.key] == parameters.label.value

# Nodes are the user's to choose, and there are machines among them.
is_spreadable if {
	not gateway.managed
	count(gateway.clusters - virtual.serverless) > 0
}

topologies contains term.topologyKey if {
	some term in input.gateway.spec.affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution
}

topologies contains preferred.podAffinityTerm.topologyKey if {
	some preferred in input.gateway.spec.affinity.podAntiAffinity.preferredDuringSchedulingIgnoredDuringExecution
}

is_in_several_zones(id) if {
	switches := {trim_space(switch) | some switch in split(input.clusters[id].effective.podAnnotations[parameters.vSwitches], ",")}
	count(switches - {""}) >= parameters.fewestVSwitches
}
