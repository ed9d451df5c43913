package validate.override_clusters_test

import data.validate.override_clusters

unknown(id) := {
	"code": "override_clusters",
	"field": sprintf("spec.overrides.%s", [id]),
	"message": sprintf("must be for one of the clusters in spec.clusterIds, is for %s", [id]),
	"fix": sprintf("add %s to spec.clusterIds, or remove the override", [id]),
}

too_few(clusters) := {
	"code": "override_clusters",
	"field": "spec.overrides",
	"message": sprintf("must be absent with fewer than 2 clusters, is set with %d", [clusters]),
	"fix": "write what the overrides say directly under spec",
}

denied(ids, overrides) := found if {
	found := override_clusters.deny with input.gateway.spec as {"clusterIds": ids, "overrides": overrides}
}

test_accepts_an_empty_object if override_clusters.deny == set() with input as {}

test_accepts_overrides_for_the_clusters_of_the_gateway if {
	denied(["c1", "c2"], {"c1": {"replicaCount": 1}, "c2": {"replicaCount": 2}}) == set()
	denied(["c1", "c2"], {"c2": {"replicaCount": 2}}) == set()
}

test_accepts_no_overrides_whatever_the_clusters if {
	denied(["c1"], {}) == set()
	denied([], {}) == set()
}

test_refuses_an_override_for_another_cluster if {
	denied(["c1", "c2"], {"c1": {}, "c3": {}, "c4": {}}) == {unknown("c3"), unknown("c4")}
}

test_refuses_overrides_for_a_single_cluster if {
	denied(["c1"], {"c1": {"replicaCount": 2}}) == {too_few(1)}
	denied(["c1", "c1"], {"c1": {"replicaCount": 2}}) == {too_few(1)}
}

test_refuses_overrides_without_clusters if {
	override_clusters.deny == {unknown("c1"), too_few(0)} with input.gateway.spec.overrides as {"c1": {}}
}

test_says_nothing_of_a_managed_gateway if {
	override_clusters.deny == set() with input.gateway as {
		"metadata": {"annotations": {"asm.alibabacloud.com/managed-by-asm": "true"}},
		"spec": {"overrides": {"c1": {"replicaCount": 2}}},
	}
}
