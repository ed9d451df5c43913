# METADATA
# title: Serverless affinity
# description: >-
#   A toleration lets pods onto virtual nodes and does not keep them there: in a cluster that has machines too, a gateway
#   that is marked serverless would run wherever there is room.
# related_resources:
#   - ref: https://help.aliyun.com/en/eci/user-guide/schedule-pods-to-virtual-kubelet
#     description: Schedule pods to virtual nodes, label alibabacloud.com/eci
# custom:
#   sources:
#     - ASM documentation, Deploy a serverless ASM gateway to support elastic services, Node affinity
package mutate.serverless_affinity

import data.lib.gateway
import data.lib.virtual
import data.lib.words

parameters := data.parameters.serverless_affinity

label := virtual.parameters.nodeLabel

terms := [{"matchExpressions": [{"key": label.key, "operator": "In", "values": [label.value]}]}]

fill["/spec/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms"] := terms if {
	is_marked(input.gateway)
	not is_placed(input.gateway)
	not is_settled
	is_mixed
}

is_marked(object) if object.metadata.annotations[gateway.managed_annotation] == "true"

is_marked(object) if object.spec.podLabels[virtual.parameters.podLabel.key] == virtual.parameters.podLabel.value

# Whoever says anything of nodes has decided.
is_placed(object) if object.spec.nodeSelector[label.key]

is_placed(object) if words.says_something(object.spec.affinity.nodeAffinity)

# It runs without, and would restart for it over an edit of something else.
is_settled if {
	is_marked(input.old)
	not is_placed(input.old)
}

# One affinity holds in all clusters: in one without virtual nodes it would keep every pod Pending.
is_mixed if {
	kinds := [input.clusters[id].facts.virtualNodes | some id in gateway.clusters]
	count(kinds) == count(gateway.clusters | gateway.ids)
	parameters.mixed in kinds
	every kind in kinds { kind in parameters.present }
}
