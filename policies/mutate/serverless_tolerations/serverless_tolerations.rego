# METADATA
# title: Serverless tolerations
# description: >-
#   Virtual nodes carry a taint. A gateway that is to run on them and does not tolerate it has pods that stay Pending.
# related_resources:
#   - ref: https://help.aliyun.com/en/eci/user-guide/schedule-pods-to-virtual-kubelet
#     description: Schedule pods to virtual nodes, label alibabacloud.com/eci
# custom:
#   sources:
#     - ASM documentation, Deploy a serverless ASM gateway to support elastic services, Taint and Toleration
#     - ASM documentation, serverless gateways, annotation asm.alibabacloud.com/managed-by-asm
package mutate.serverless_tolerations

import data.lib.gateway

parameters := data.parameters.serverless_tolerations

ensure contains {
	"path": "/spec/tolerations",
	"key": ["effect", "key", "value"],
	"item": parameters.toleration,
} if {
	placed_on_virtual_nodes
	not tolerated
}

placed_on_virtual_nodes if gateway.managed

placed_on_virtual_nodes if {
	some id in gateway.clusters
	input.clusters[id].facts.virtualNodes == "All"
}

placed_on_virtual_nodes if input.gateway.spec.nodeSelector[parameters.nodeLabel.key] == parameters.nodeLabel.value

placed_on_virtual_nodes if input.gateway.spec.podLabels[parameters.podLabel.key] == parameters.podLabel.value

placed_on_virtual_nodes if {
	some term in node_selector_terms
	some expression in term.matchExpressions
	expression.key == parameters.nodeLabel.key
	expression.operator == "In"
	parameters.nodeLabel.value in expression.values
}

node_affinity := input.gateway.spec.affinity.nodeAffinity

node_selector_terms contains term if {
	some term in node_affinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms
}

node_selector_terms contains preferred.preference if {
	some preferred in node_affinity.preferredDuringSchedulingIgnoredDuringExecution
}

# Tolerated by an equal or a broader toleration.
tolerated if {
	some toleration in input.gateway.spec.tolerations
	object.get(toleration, "effect", "") in {"", parameters.toleration.effect}
	matches_taint(toleration)
}

matches_taint(toleration) if {
	toleration.operator == "Exists"
	object.get(toleration, "key", "") in {"", parameters.toleration.key}
}

matches_taint(toleration) if {
	object.get(toleration, "operator", "") in {"", "Equal"}
	toleration.key == parameters.toleration.key
	toleration.value == parameters.toleration.value
}
