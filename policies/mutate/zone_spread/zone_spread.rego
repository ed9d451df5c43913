# METADATA
# title: Zone spread
# description: >-
#   Pods of a gateway tend to share a node or a zone, and fail with it. Off by default: a gateway that gets an affinity
#   is another one than its author wrote.
# related_resources:
#   - ref: https://www.alibabacloud.com/help/doc-detail/287011.htm
#     description: Configure a high-performance and high-availability ASM gateway, anti-affinity by host and zone
package mutate.zone_spread

import data.lib.gateway
import data.lib.scaling
import data.lib.virtual
import data.lib.words

parameters := data.parameters.zone_spread

# It names this gateway's own pods: those of others may share a node. With generateName the name is not known yet.
spread := {"preferredDuringSchedulingIgnoredDuringExecution": [preference |
	some topology in parameters.topologies
	preference := {"weight": topology.weight, "podAffinityTerm": {
		"labelSelector": {"matchLabels": {"app": sprintf("istio-%s", [name])}},
		"topologyKey": topology.key,
	}}
]} if {
	name := input.gateway.metadata.name
	name != ""
}

fill["/spec/affinity/podAntiAffinity"] := spread if {
	parameters.enabled
	not has_affinity
	has_machines
	is_due
}

has_affinity if words.says_something(input.gateway.spec.affinity)

# A new gateway; and one that was spread already, which must not restart because a replaced manifest leaves it out.
# Others run without, and would restart for it when somebody merely scales them.
is_due if {
	not input.old
	is_plural
}

# By object.get, whose type is open: as the schema has it, an affinity with fewer fields could never be the same.
is_due if object.get(input, ["old", "spec", "affinity", "podAntiAffinity"], null) == spread

is_plural if {
	some id in gateway.clusters
	scaling.most(id).pods >= parameters.fewestPods
}

# Virtual nodes are no hosts, and a cluster of nothing else takes no anti-affinity. What is not known may be one.
has_machines if {
	not virtual.asked
	count(gateway.clusters) > 0
	every id in gateway.clusters | gateway.ids { input.clusters[id].facts.virtualNodes in parameters.machines }
}
