package validate.service_test

import data.validate.service

local := object.union(balanced, {"externalTrafficPolicy": "Local", "replicaCount": 2})

sparse(ids) := {
	"code": "service",
	"field": "spec.externalTrafficPolicy",
	"message": sprintf("must be Cluster for nodes without a pod to take traffic, is Local with fewer pods than nodes in %s", [ids]),
	"fix": "set it to Cluster, or raise the number of pods to that of the nodes",
}

test_warns_of_nodes_without_a_pod if {
	service.warn == {sparse("c1, c2")} with input as given(local, {})
		with input.clusters.c1.facts.nodes as 3
		with input.clusters.c2.facts.nodes as 4
}

test_warns_for_the_clusters_that_have_more_nodes_than_pods if {
	service.warn == {sparse("c2")}
		with input as given(local, {"c1": {"replicaCount": 3, "podAnnotations": {"a": "b"}}})
		with input.clusters.c1.facts.nodes as 3
		with input.clusters.c2.facts.nodes as 3
	service.warn == {sparse("c1")} with input as given(local, {"c1": {"replicaCount": 1}})
		with input.clusters.c1.facts.nodes as 2
		with input.clusters.c2.facts.nodes as 2
}

test_reckons_with_the_lower_bound_of_the_autoscaler if {
	scaled := {"minReplicas": 2, "maxReplicas": 9, "cpu": {"targetAverageUtilization": 80}, "replicaCount": 5}
	service.warn == {sparse("c1")} with input as given(object.union(local, scaled), {})
		with input.clusters.c1.facts.nodes as 3
}

test_does_not_warn_where_every_node_may_have_a_pod if {
	service.warn == set() with input as given(local, {})
		with input.clusters.c1.facts.nodes as 2
	service.warn == set() with input as given(balanced, {})
		with input.clusters.c1.facts.nodes as 9
	service.warn == set() with input as given(local, {"c1": {"serviceType": "ClusterIP"}})
		with input.clusters.c1.facts.nodes as 9
		with input.clusters.c1.effective.externalTrafficPolicy as "Cluster"
}

test_does_not_warn_of_what_is_not_known if {
	service.warn == set() with input as given(local, {})
	service.warn == set() with input as given(local, {}) with input.clusters as {}
	service.warn == set() with input as given(local, {})
		with input.clusters.c1.facts.nodes as 9
		with input.gateway.metadata.annotations as {"asm.alibabacloud.com/replicas-managed-by-asm": "false"}
}

test_does_not_warn_where_there_are_no_nodes_to_count if {
	service.warn == set() with input as given(local, {})
		with input.clusters.c1.facts as {"nodes": 9, "virtualNodes": "All"}
	service.warn == set() with input as given(local, {})
		with input.clusters.c1 as {"managed": true, "facts": {"nodes": 9}, "effective": local}
		with input.gateway.metadata.annotations as {"asm.alibabacloud.com/managed-by-asm": "true"}
}
