package lib.gateway_test

import data.lib.gateway

managed := {"metadata": {"annotations": {"asm.alibabacloud.com/managed-by-asm": "true"}}}

test_knows_nothing_of_an_empty_input if {
	not gateway.managed with input as {}
	gateway.ids == set() with input as {}
	gateway.clusters == set() with input as {}
	gateway.overrides == {} with input as {}
	gateway.variants == {} with input as {}
	gateway.lowest_mesh_version == "an unknown version" with input as {}
}

test_is_managed_by_the_string_true_alone if {
	gateway.managed with input.gateway as managed
	every other in [true, "True", "yes", "", "false", null] {
		not gateway.managed with input.gateway.metadata.annotations as {gateway.managed_annotation: other}
	}
}

test_names_each_cluster_once if {
	gateway.ids == {"c1", "c2"} with input.gateway.spec.clusterIds as ["c1", "c2", "c1"]
}

test_runs_in_the_clusters_that_it_names_and_that_are_known if {
	gateway.clusters == {"c1"} with input.gateway.spec.clusterIds as ["c1", "c3"]
		with input.clusters as {"c1": {"managed": false}, "c2": {"managed": true}}
}

test_runs_in_the_managed_cluster_when_managed if {
	gateway.clusters == {"asm"} with input.gateway as object.union(managed, {"spec": {"clusterIds": ["c1"]}})
		with input.clusters as {"c1": {"managed": false}, "asm": {"managed": true}, "metrics": {}}
}

test_takes_one_cluster_for_each_way_of_overriding if {
	gateway.variants == {{"replicaCount": 1}: "c3", {"replicaCount": 2}: "c2"} with input.gateway.spec.overrides as {
		"c1": {"replicaCount": 1, "serviceAnnotations": {"lb": "1"}},
		"c2": {"replicaCount": 2, "podAnnotations": {"a": "b"}},
		"c3": {"replicaCount": 1},
	}
}

test_takes_the_lowest_mesh_version_where_a_cluster_has_none if {
	clusters := {"c1": {"mesh": {"version": "1.20"}}, "c2": {"mesh": {}}}
	gateway.mesh_version("c1") == "1.20" with input as {"clusters": clusters, "mesh": {"version": "1.16"}}
	gateway.mesh_version("c2") == "1.16" with input as {"clusters": clusters, "mesh": {"version": "1.16"}}
	gateway.mesh_version("c3") == "an unknown version" with input as {"clusters": clusters}
}
