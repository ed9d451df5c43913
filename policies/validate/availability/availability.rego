# METADATA
# title: Availability
# description: >-
#   With one pod, or all pods in one place, a gateway is gone when a node or a zone is. That is said of gateways that a
#   label marks as production; others may be as frail as their authors like.
# related_resources:
#   - ref: https://www.alibabacloud.com/help/doc-detail/287011.htm
#     description: Configure a high-performance and high-availability ASM gateway
package validate.availability

import data.lib.gateway
import data.lib.result
import data.lib.scaling
import data.lib.virtual

parameters := data.parameters.availability

warn contains finding if {
	is_marked
	some id in gateway.clusters
	kept := scaling.fewest(id)
	kept.pods < parameters.fewestPods
	finding := result.finding(rego.metadata.chain(), {
		"field": kept.field,
		"message": sprintf("must be at least %d in production, is %d", [parameters.fewestPods, kept.pods]),
		"fix": "raise it",
	})
}

warn contains finding if {
	is_marked
	is_spreadable
	count(topologies) == 0
	finding := result.finding(rego.metadata.chain(), {
		"field": "spec.affinity.podAntiAffinity",
		"message": "must keep pods apart in production, is absent: they may all be on one node",
		"fix": sprintf("add a preferred term for this gateway's label app, with topologyKey %s", [
			parameters.zoneTopologies[0],
		]),
	})
}

warn contains finding if {
	is_marked
	is_spreadable
	count(topologies) > 0
	count(topologies & {zone | some zone in parameters.zoneTopologies}) == 0
	finding := result.finding(rego.metadata.chain(), {
		"field": "spec.affinity.podAntiAffinity",
		"message": sprintf("must keep pods apart by zone in production, does by %s", [concat(", ", topologies)]),
		"fix": sprintf("add a term with topologyKey %s", [parameters.zoneTopologies[0]]),
	})
}

# Where every node is virtual, a pod is in the zone of its vSwitch, and no affinity has a say.
warn contains finding if {
	is_marked
	some id in virtual.serverless
	not is_in_several_zones(id)
	finding := result.finding(rego.metadata.chain(), {
		"field": sprintf("spec.podAnnotations.%s", [parameters.vSwitches]),
		"message": sprintf("must list %d vSwitches or more in production, does not in %s", [parameters.fewestVSwitches, id]),
		"fix": "list a vSwitch of each zone, with commas between them",
	})
}
