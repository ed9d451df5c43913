package validate.load_balancers_test

import data.validate.load_balancers

denial(message, fix) := {
	"code": "load_balancers",
	"field": "metadata.annotations.portcullis.dev/load-balancers",
	"message": message,
	"fix": fix,
}

# A gateway called edge in two clusters, with some load balancers beside its own.
given(balancers) := {
	"gateway": {"spec": {"clusterIds": ["c1", "c2"]}},
	"clusters": {id: {"mesh": {"version": "1.26"}, "effective": {"serviceType": "LoadBalancer"}} | some id in ["c1", "c2"]},
	"loadBalancers": {"services": {sprintf("istio-edge-%s", [balancer.name]): balancer | some balancer in balancers}},
}

named(names) := [{"name": name} | some name in names]

test_accepts_an_empty_input if {
	every input_ in [{}, {"gateway": {}}, {"gateway": {"spec": {}}}, given([])] {
		load_balancers.deny == set() with input as input_
	}
}

test_accepts_some_beside_the_gateways_own if {
	load_balancers.deny == set() with input as given(named(["a", "b", "c", "d"]))
	load_balancers.deny == set() with input as given([{"name": "a", "loadBalancerClass": "alibabacloud.com/nlb"}])
}

how := `write it as [{name: private, annotations: {...}, loadBalancerClass: ..., loadBalancerIP: ..., externalTrafficPolicy: ..., ports: [443]}]; all but the name may be left out`

test_refuses_what_cannot_be_read if {
	load_balancers.deny == {denial("must be a list", how)}
		with input as given([])
		with input.loadBalancers.unreadable as "must be a list"
}

test_refuses_what_nobody_has_read if {
	load_balancers.deny == {denial("must be read before it is judged, is not", how)}
		with input as {"gateway": {"metadata": {"annotations": {"portcullis.dev/load-balancers": "[]"}}}}
}

test_refuses_too_many if {
	load_balancers.deny == {denial("must list at most 4 load balancers, lists 5", "remove some, or make another gateway")}
		with input as given(named(["a", "b", "c", "d", "e"]))
	load_balancers.deny == {denial("must list at most 0 load balancers, lists 1", "remove some, or make another gateway")}
		with input as given(named(["a"]))
		with data.parameters.load_balancers.most as 0
}

test_refuses_names_that_are_too_long if {
	fits := concat("", ["a" | some _ in numbers.range(1, 52)])
	load_balancers.deny == set() with input as given(named([fits]))
	longer := concat("", [fits, "a"])
	load_balancers.deny == {denial(
		sprintf("must have names of at most 52 characters for istio-edge-<name> to be one of a Service, has %s", [longer]),
		"choose a shorter name",
	)} with input as given(named([longer]))
}

test_refuses_names_that_others_have if {
	load_balancers.deny == {denial(
		"must make Services of names that are free, makes istio-edge-a, which is the Service of gateway istio-system/edge-a",
		"choose another name",
	)}
		with input as given(named(["a", "b"]))
		with input.loadBalancers.taken as {"istio-edge-a": "istio-system/edge-a"}
}

test_refuses_them_where_nothing_comes_from_outside if {
	load_balancers.deny == {denial("must be absent on an egress gateway, is set", "remove it")}
		with input as given(named(["a"]))
		with input.gateway.spec.gatewayType as "egress"
	load_balancers.deny == {denial("must be absent on a gateway that has no load balancer itself in any cluster, is set", "remove it")}
		with input as given(named(["a"]))
		with input.clusters.c1.effective.serviceType as "ClusterIP"
		with input.clusters.c2.effective.serviceType as "NodePort"
}

test_accepts_them_for_the_cluster_that_has_a_load_balancer if {
	load_balancers.deny == set() with input as given(named(["a"])) with input.clusters.c1.effective.serviceType as "ClusterIP"
}

test_refuses_classes_in_old_meshes if {
	load_balancers.deny == {denial(
		"must have no loadBalancerClass before mesh 1.18, has a/b; the mesh is on 1.17.9",
		"remove it, or update the mesh",
	)}
		with input as given([{"name": "a", "loadBalancerClass": "a/b"}])
		with input.clusters.c2.mesh.version as "1.17.9"
}
