package validate.cluster_ids_test

import data.validate.cluster_ids

finding(field, message, fix) := {"code": "cluster_ids", "field": field, "message": message, "fix": fix}

list := "list the clusters with kubectl get gatewayclusters"

none := finding("spec.clusterIds", "must name at least one cluster, names none", list)

managed := {"asm.alibabacloud.com/managed-by-asm": "true"}

known := {
	"c1": {"registered": true, "reachable": true, "effective": {}},
	"c2": {"registered": true, "reachable": true, "effective": {}},
	"gone": {"registered": false, "reachable": true, "effective": {}},
	"lost": {"registered": true, "reachable": false, "effective": {}},
}

test_refuses_an_empty_object if cluster_ids.deny == {none} with input as {}

test_refuses_a_gateway_that_names_no_cluster if {
	cluster_ids.deny == {none} with input.gateway.spec.clusterIds as [] with input.clusters as known
}

test_refuses_none_at_all_for_any_annotation_but_true if {
	cluster_ids.deny == {none} with input.gateway.metadata.annotations as {"asm.alibabacloud.com/managed-by-asm": "yes"}
}

test_accepts_none_at_all_when_managed if {
	cluster_ids.deny == set() with input.gateway.metadata.annotations as managed
}

test_accepts_registered_clusters if {
	cluster_ids.deny == set() with input.gateway.spec.clusterIds as ["c2", "c1"] with input.clusters as known
	cluster_ids.warn == set() with input.gateway.spec.clusterIds as ["c2", "c1"] with input.clusters as known
}

test_refuses_each_unknown_cluster if {
	cluster_ids.deny == {
		finding("spec.clusterIds[1]", "must be the ID of a registered cluster, is gone", list),
		finding("spec.clusterIds[2]", "must be the ID of a registered cluster, is never", list),
	} with input.gateway.spec.clusterIds as ["c1", "gone", "never"] with input.clusters as known
}

test_refuses_every_cluster_where_nothing_is_known_of_any if {
	cluster_ids.deny == {finding("spec.clusterIds[0]", "must be the ID of a registered cluster, is c1", list)} with input.gateway.spec.clusterIds as ["c1"]
}

test_refuses_each_repetition if {
	message := "must be another cluster than those before it, is c1 again"
	cluster_ids.deny == {
		finding("spec.clusterIds[1]", message, "remove the repetition"),
		finding("spec.clusterIds[3]", message, "remove the repetition"),
	} with input.gateway.spec.clusterIds as ["c1", "c1", "c2", "c1"] with input.clusters as known
}

test_warns_of_an_unreachable_cluster if {
	cluster_ids.deny == set() with input.gateway.spec.clusterIds as ["c1", "lost"] with input.clusters as known
	cluster_ids.warn == {finding(
		"spec.clusterIds[1]",
		"must be reachable for the change to arrive, is not now: lost",
		"see kubectl describe gatewaycluster lost; the change arrives when the cluster is back",
	)} with input.gateway.spec.clusterIds as ["c1", "lost"] with input.clusters as known
}

test_says_nothing_of_the_clusters_of_a_managed_gateway if {
	gateway := {"metadata": {"annotations": managed}, "spec": {"clusterIds": ["never", "never", "lost"]}}
	cluster_ids.deny == set() with input.gateway as gateway with input.clusters as known
	cluster_ids.warn == set() with input.gateway as gateway with input.clusters as known
}

test_refuses_where_it_is_not_known_what_the_gateway_is if {
	cluster_ids.deny == {finding(
		"spec.clusterIds",
		"must be clusters where it is known what the gateway is, are not: c2",
		"report it: this is a mistake of the guard",
	)} with input.gateway.spec.clusterIds as ["c1", "c2"] with input.clusters as object.union(known, {"c2": {"effective": false}})
}
