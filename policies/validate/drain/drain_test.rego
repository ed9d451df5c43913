package validate.drain_test

import data.validate.drain

annotation := "asm.alibabacloud.com/gateway-drain-timeout-seconds"

switch := "service.beta.kubernetes.io/alibaba-cloud-loadbalancer-connection-drain"

timeout := sprintf("%s-timeout", [switch])

asking(seconds) := on("1.26.0.1", "LoadBalancer", seconds)

on(release, type, seconds) := {
	"gateway": {"metadata": {"annotations": {annotation: seconds}}, "spec": {"clusterIds": ["c1"]}},
	"clusters": {"c1": {"mesh": {"version": release}, "effective": {"serviceType": type}}},
}

with_spec(spec) := {"gateway": {"spec": spec}}

finding(field, message, fix) := {"code": "drain", "field": field, "message": message, "fix": fix}

at := sprintf("metadata.annotations.%s", [annotation])

no_time(written) := finding(
	at,
	sprintf("must be a whole number of seconds above 0, is %v", [written]),
	"write the number alone, in quotes, such as '30'",
)

out_of_range(seconds) := finding(
	at,
	sprintf("must be between 10 and 890 seconds behind a load balancer, is %d", [seconds]),
	"choose a time between them",
)

too_early(release) := finding(
	at,
	sprintf("must be on mesh 1.26 or later, is on %s", [release]),
	sprintf("update the mesh, or set the service annotations %s: 'on' and %s", [switch, timeout]),
)

outlived(place, grace, written) := finding(
	sprintf("%s.serviceAnnotations.%s", [place, timeout]),
	sprintf("must be at most the %d seconds that pods have to stop, is %v", [grace, written]),
	sprintf("lower it, or raise the annotation %s", [annotation]),
)

refuses(wanted, asked) if drain.deny == wanted with input as asked

test_judges_nothing_in_an_empty_input if refuses(set(), {})

test_judges_nothing_in_an_empty_gateway if refuses(set(), {"gateway": {}})

test_takes_what_a_load_balancer_can_drain if {
	every seconds in ["10", "30", "890"] { refuses(set(), asking(seconds)) }
}

test_refuses_what_a_load_balancer_cannot_drain if {
	every seconds in [1, 9, 891, 3600] { refuses({out_of_range(seconds)}, asking(sprintf("%d", [seconds]))) }
}

test_refuses_it_too_where_the_type_is_not_known if {
	refuses({out_of_range(9)}, json.remove(asking("9"), ["clusters/c1/effective"]))
	refuses({out_of_range(9)}, on("1.26", "ExternalName", "9"))
}

test_takes_any_time_without_a_load_balancer if {
	every type in ["ClusterIP", "NodePort"] {
		refuses(set(), on("1.26", type, "1"))
		refuses(set(), on("1.26", type, "3600"))
	}
}

test_refuses_it_for_one_load_balancer_among_others if {
	other := {"c2": {"mesh": {"version": "1.26"}, "effective": {"serviceType": "ClusterIP"}}}
	both := json.patch(asking("891"), [{"op": "add", "path": "/gateway/spec/clusterIds/-", "value": "c2"}])
	refuses({out_of_range(891)}, object.union(both, {"clusters": other}))
}

test_refuses_what_is_no_time if {
	every written in ["", "0", "-5", "30s", "1.5", "030", "1e2", "ten", "1234567890", 30, null] {
		refuses({no_time(written)}, asking(written))
	}
}

test_refuses_a_mesh_that_does_not_know_the_annotation if {
	refuses({too_early("1.25.9")}, on("1.25.9", "LoadBalancer", "30"))
	refuses({too_early("1.9.7.107")}, on("1.9.7.107", "ClusterIP", "30"))
	refuses({too_early("an unknown version")}, {"gateway": {"metadata": {"annotations": {annotation: "30"}}}})
}

test_says_all_that_is_wrong_at_once if {
	refuses({too_early("1.20"), out_of_range(5)}, on("1.20", "LoadBalancer", "5"))
}

test_takes_a_load_balancer_that_drains_while_pods_live if {
	every written in ["10", "30", "60"] { refuses(set(), with_spec({"serviceAnnotations": {timeout: written}})) }
	refuses(set(), with_spec({"serviceAnnotations": {switch: "on"}}))
}

test_refuses_a_load_balancer_that_drains_longer_than_pods_live if {
	refuses({outlived("spec", 60, "61")}, with_spec({"serviceAnnotations": {timeout: "61"}}))
	refuses({outlived("spec", 60, "soon")}, with_spec({"serviceAnnotations": {timeout: "soon"}}))
	refuses(
		{outlived("spec.overrides.c2", 60, "900")},
		with_spec({"overrides": {"c1": {"serviceAnnotations": {timeout: ""}}, "c2": {"serviceAnnotations": {timeout: "900"}}, "c3": {}}}),
	)
}

test_lets_pods_live_longer_for_the_drain_time_and_for_a_sleeping_hook if {
	longer := object.union(asking("120"), with_spec({"serviceAnnotations": {timeout: "135"}}))
	refuses(set(), longer)
	refuses({outlived("spec", 35, "36")}, object.union(asking("20"), with_spec({"serviceAnnotations": {timeout: "36"}})))
	refuses(set(), with_spec({
		"lifecycle": {"preStop": {"sleep": {"seconds": 20}}},
		"serviceAnnotations": {timeout: "80"},
	}))
}

test_takes_what_samples_and_consoles_write if {
	every written in [
		{},
		{"serviceAnnotations": {}},
		{"serviceAnnotations": {"service.beta.kubernetes.io/alicloud-loadbalancer-address-type": "internet"}},
		{"readinessProbe": {}, "overrides": {"c8a4b2xxxxxx": {"serviceAnnotations": {"service.beta.kubernetes.io/alibaba-cloud-loadbalancer-spec": "slb.s1.small"}}}},
	] {
		refuses(set(), with_spec(written))
	}
}

test_judges_a_managed_gateway_where_it_runs if {
	managed := {
		"gateway": {"metadata": {"annotations": {annotation: "891", "asm.alibabacloud.com/managed-by-asm": "true"}}},
		"clusters": {
			"asm": {"managed": true, "mesh": {"version": "1.26"}, "effective": {"serviceType": "LoadBalancer"}},
			"metrics": {"mesh": {"version": "1.20"}, "effective": {"serviceType": "LoadBalancer"}},
		},
	}
	refuses({out_of_range(891)}, managed)
}

test_names_each_mesh_that_is_too_early_once if {
	clusters := {id: {"mesh": {"version": release}, "effective": {"serviceType": "ClusterIP"}} |
		some id, release in {"c1": "1.20", "c2": "1.25.2", "c3": "1.20", "c4": "1.26"}
	}
	refuses({too_early("1.20"), too_early("1.25.2")}, {
		"gateway": {"metadata": {"annotations": {annotation: "30"}}, "spec": {"clusterIds": object.keys(clusters)}},
		"clusters": clusters,
	})
}

test_takes_its_numbers_from_the_parameters if {
	narrow := sprintf("must be between %d and %d seconds behind a load balancer, is 30", [10, 20])
	drain.deny == {object.union(out_of_range(30), {"message": narrow})} with input as asking("30")
		with data.parameters.drain.mostSeconds as 20
	drain.deny == set() with input as on("1.20", "LoadBalancer", "30")
		with data.parameters.drain.lowestMesh as "1.20"
	drain.deny == set() with input as on("1.26", "ExternalName", "9")
		with data.parameters.drain.unbounded as ["ExternalName"]
}
