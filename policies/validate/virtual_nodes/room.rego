package validate.virtual_nodes

import data.lib.gateway
import data.lib.ports
import data.lib.virtual

# METADATA
# description: A virtual node keeps some ports to itself and has room for so many volumes.
problems contains {
	"field": sprintf("spec.ports[%d].targetPort", [i]),
	"message": sprintf("must be free on virtual nodes, which use %s themselves, is %d", [
		concat(", ", [sprintf("%d", [taken]) | some taken in parameters.ports]),
		target,
	]),
	"fix": "choose another target; the Service may keep its port",
} if {
	some i, target in ports.targets
	target in parameters.ports
}

problems contains {
	"field": sprintf("spec.%s", [longer]),
	"message": sprintf("must leave room for the proxy's %d of %d volumes on virtual nodes, is one of %d in all", [
		parameters.proxyVolumes,
		parameters.mostVolumes,
		stated,
	]),
	"fix": "put several files into one ConfigMap or Secret",
} if {
	sizes := [[count(volumes), list] | some list in volume_lists; volumes := [v | some v in input.gateway.spec[list]]]
	stated := sum([size | some [size, _] in sizes])
	stated + parameters.proxyVolumes > parameters.mostVolumes
	not gateway.managed
	[_, longer] := max(sizes)
}

volume_lists := ["configVolumes", "secretVolumes"]

# The types that do not reach virtual nodes, by where they are written. What an override replaces holds in no cluster.
service_types["spec"] := type if {
	type := input.gateway.spec.serviceType
	not type in parameters.serviceTypes
	not gateway.managed
	some id in virtual.clusters
	not gateway.overrides[id].serviceType
}

service_types[place] := type if {
	some variant, _ in gateway.variants
	type := variant.serviceType
	not type in parameters.serviceTypes
	some id in virtual.clusters
	gateway.overrides[id].serviceType == type
	place := sprintf("spec.overrides.%s", [id])
}
