# METADATA
# title: Serverless tolerations
# description: >-
#   Where no node takes them, pods stay Pending: on virtual nodes without tolerating their taint, and anywhere when they
#   require of a node what none there has.
# related_resources:
#   - ref: https://help.aliyun.com/en/eci/user-guide/schedule-pods-to-virtual-kubelet
#     description: Schedule pods to virtual nodes, label alibabacloud.com/eci
# custom:
#   absent:
#     - clusters.*.facts.virtualNodes
#     - gateway.spec.affinity.**
#     - gateway.spec.nodeSelector.*
#   sources:
#     - ASM documentation, Deploy a serverless ASM gateway to support elastic services, Taint and Node affinity
package validate.serverless_tolerations

import data.lib.gateway
import data.lib.result
import data.lib.virtual

toleration := virtual.parameters.toleration

label := virtual.parameters.nodeLabel

deny contains finding if {
	is_bound
	not is_tolerated
	finding := result.finding(rego.metadata.chain(), {
		"field": "spec.tolerations",
		"message": sprintf("must tolerate %s of virtual nodes, where the pods must run, does not", [taint]),
		"fix": sprintf("add {key: %s, operator: Equal, value: %s, effect: %s}", [toleration.key, toleration.value, toleration.effect]),
	})
}

deny contains finding if {
	some field in virtual_fields
	without := [id | some id in gateway.clusters; input.clusters[id].facts.virtualNodes == "None"]
	count(without) > 0
	finding := result.finding(rego.metadata.chain(), {
		"field": field,
		"message": sprintf("must be met by a node in every cluster, asks for virtual nodes, which %s has none of", [concat(", ", without)]),
		"fix": "remove it, or make a gateway of its own for the clusters with virtual nodes",
	})
}

deny contains finding if {
	count(virtual.serverless) > 0
	some field in machine_fields
	finding := result.finding(rego.metadata.chain(), {
		"field": field,
		"message": sprintf("must be met by a node in every cluster, keeps off virtual nodes, and %s has no others", [
			concat(", ", virtual.serverless),
		]),
		"fix": "remove it, or make a gateway of its own for the clusters with machines",
	})
}

taint := sprintf("%s=%s:%s", [toleration.key, toleration.value, toleration.effect])

# Where the pods must run on virtual nodes: by what the gateway asks for, or because there are no others.
is_bound if virtual.labelled

is_bound if count(virtual_fields) > 0

is_bound if count(virtual.serverless) > 0
