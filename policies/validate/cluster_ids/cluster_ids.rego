# METADATA
# title: Cluster IDs
# description: >-
#   A gateway is placed in the clusters that it names. One that the mesh does not know is never served, and a gateway
#   without any runs nowhere.
# related_resources:
#   - ref: https://help.aliyun.com/en/asm/sidecar/crd-fields-for-an-asm-gateway
#     description: ASM gateway CRD reference, clusterIds
# custom:
#   absent:
#     - gateway.spec.clusterIds.*
#   fix: list the clusters with kubectl get gatewayclusters
package validate.cluster_ids

import data.lib.gateway
import data.lib.result

deny contains finding if {
	gateway.ids == set()
	not gateway.managed
	finding := result.finding(rego.metadata.chain(), {
		"field": "spec.clusterIds",
		"message": "must name at least one cluster, names none",
	})
}

deny contains finding if {
	unknown := gateway.ids - registered
	some i, id in at(unknown)
	finding := result.finding(rego.metadata.chain(), {
		"field": sprintf("spec.clusterIds[%d]", [i]),
		"message": sprintf("must be the ID of a registered cluster, is %v", [id]),
	})
}

deny contains finding if {
	count(input.gateway.spec.clusterIds) > count(gateway.ids)
	some i, id in at(gateway.ids)
	id in array.slice(input.gateway.spec.clusterIds, 0, i)
	finding := result.finding(rego.metadata.chain(), {
		"field": sprintf("spec.clusterIds[%d]", [i]),
		"message": sprintf("must be another cluster than those before it, is %v again", [id]),
		"fix": "remove the repetition",
	})
}

# What the gateway is there is always known, if it is asked about. Without it the other rules would be silent.
deny contains finding if {
	some id in ((gateway.clusters & registered) - understood)
	finding := result.finding(rego.metadata.chain(), {
		"field": "spec.clusterIds",
		"message": sprintf("must be clusters where it is known what the gateway is, are not: %v", [id]),
		"fix": "report it: this is a mistake of the guard",
	})
}

warn contains finding if {
	lost := (gateway.ids & registered) - {id | input.clusters[id].reachable}
	some i, id in at(lost)
	finding := result.finding(rego.metadata.chain(), {
		"field": sprintf("spec.clusterIds[%d]", [i]),
		"message": sprintf("must be reachable for the change to arrive, is not now: %v", [id]),
		"fix": sprintf("see kubectl describe gatewaycluster %v; the change arrives when the cluster is back", [id]),
	})
}

registered := {id | input.clusters[id].registered}

understood := {id | input.clusters[id].effective}

# Where some IDs stand in the list. Those of a managed gateway are none of this rule's business: it is to name none,
# and managed_placement says so once.
at(wanted) := {i: id | some i, id in input.gateway.spec.clusterIds; id in wanted} if {
	wanted != set()
	not gateway.managed
}
