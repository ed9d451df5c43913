package validate.service_test

import data.validate.service

denial(field, message, fix) := {"code": "service", "field": field, "message": message, "fix": fix}

# A gateway in two clusters, with what becomes of it there.
given(spec, overrides) := {
	"gateway": {"spec": object.union(spec, {"clusterIds": ["c1", "c2"], "overrides": overrides})},
	"clusters": {id: {
		"mesh": {"version": "1.26"},
		"facts": {"loadBalancer": true},
		"effective": object.union(spec, object.get(overrides, id, {})),
	} |
		some id in ["c1", "c2"]
	},
}

balanced := {"gatewayType": "ingress", "serviceType": "LoadBalancer", "externalTrafficPolicy": "Cluster"}

test_accepts_an_empty_input if {
	every input_ in [{}, {"gateway": {}}, {"gateway": {"spec": {}}}] {
		service.deny | service.warn == set() with input as input_
	}
}

test_accepts_the_samples if {
	address := {"service.beta.kubernetes.io/alicloud-loadbalancer-address-type": "internet"}
	size := {"service.beta.kubernetes.io/alibaba-cloud-loadbalancer-spec": "slb.s1.small"}
	ingress := object.union(balanced, {"externalTrafficPolicy": "Local", "serviceAnnotations": address})
	every sample in [
		given(ingress, {id: {"replicaCount": 1, "serviceAnnotations": object.union(address, size)} | some id in ["c1", "c2"]}),
		given({"gatewayType": "egress", "serviceType": "ClusterIP"}, {}),
		given(object.union(balanced, {"maxReplicas": 1, "minReplicas": 1, "cpu": {}}), {}),
	] {
		service.deny | service.warn == set() with input as sample
	}
}

only_outside(policy, reason) := denial(
	"spec.externalTrafficPolicy",
	sprintf("must be absent on %s, is %s", [reason, policy]),
	"remove it",
)

test_refuses_a_policy_for_traffic_that_does_not_come if {
	every policy in ["Local", "Cluster"] {
		inner := {"gatewayType": "ingress", "serviceType": "ClusterIP", "externalTrafficPolicy": policy}
		service.deny == {only_outside(policy, "a ClusterIP Service")} with input as given(inner, {})
		egress := {"gatewayType": "egress", "serviceType": "LoadBalancer", "externalTrafficPolicy": policy}
		service.deny == {only_outside(policy, "an egress gateway")} with input as given(egress, {})
		both := object.union(inner, egress)
		service.deny == {only_outside(policy, "an egress gateway")} with input as given(both, {})
	}
}

test_accepts_a_policy_that_holds_in_the_other_cluster if {
	service.deny == set()
		with input as given(object.union(balanced, {"externalTrafficPolicy": "Local"}), {"c1": {"serviceType": "ClusterIP"}})
}

test_accepts_the_default_that_was_filled_in_before_the_type_changed if {
	inner := {"serviceType": "ClusterIP", "externalTrafficPolicy": "Cluster"}
	service.deny == set() with input as given(inner, {}) with input.old.spec as balanced
	service.deny == {only_outside("Cluster", "a ClusterIP Service")} with input as given(inner, {})
		with input.old.spec.externalTrafficPolicy as "Local"
	local := object.union(inner, {"externalTrafficPolicy": "Local"})
	service.deny == {only_outside("Local", "a ClusterIP Service")} with input as given(local, {})
		with input.old.spec.externalTrafficPolicy as "Local"
}

test_refuses_a_class_without_a_load_balancer if {
	every type in ["ClusterIP", "NodePort"] {
		service.deny == {denial(
			"spec.loadBalancerClass",
			"must be absent without serviceType LoadBalancer, is a/b",
			"remove it, or set spec.serviceType to LoadBalancer",
		)}
			with input as given({"serviceType": type, "loadBalancerClass": "a/b"}, {"c1": {"serviceType": "NodePort"}})
	}
}

test_accepts_a_class_for_the_cluster_that_has_a_load_balancer if {
	service.deny == set()
		with input as given({"serviceType": "ClusterIP", "loadBalancerClass": "a/b"}, {"c1": {"serviceType": "LoadBalancer"}})
	service.deny == set() with input as given({"loadBalancerClass": "a/b"}, {})
}

test_refuses_a_class_in_old_meshes if {
	classed := object.union(balanced, {"loadBalancerClass": "a/b"})
	every mesh in [{"version": "1.17.9"}, {}] {
		service.deny == {denial(
			"spec.loadBalancerClass",
			sprintf("must be absent before mesh 1.18, is a/b; the mesh is on %s", [object.get(mesh, "version", "an unknown version")]),
			"remove it, or update the mesh",
		)} with input as given(classed, {}) with input.clusters.c2.mesh as mesh
	}
	service.deny == set() with input as given(classed, {}) with input.clusters.c2.mesh.version as "1.18"
}

without_balancer(field, id) := denial(
	field,
	sprintf("must be another type in %s, which gives no Service a load balancer, is LoadBalancer", [id]),
	sprintf("set spec.overrides.%s.serviceType to NodePort or ClusterIP", [id]),
)

test_refuses_a_load_balancer_in_a_cluster_that_has_none if {
	service.deny == {without_balancer("spec.serviceType", "c2")}
		with input as given(balanced, {"c1": {"replicaCount": 2}})
		with input.clusters.c2.facts.loadBalancer as false
	service.deny == {without_balancer("spec.overrides.c2.serviceType", "c2")}
		with input as given({"serviceType": "ClusterIP"}, {"c2": {"serviceType": "LoadBalancer"}})
		with input.clusters.c2.facts.loadBalancer as false
}

test_accepts_a_load_balancer_unless_it_is_known_that_there_is_none if {
	every facts in [{}, {"loadBalancer": true}] {
		service.deny == set() with input as given(balanced, {}) with input.clusters.c2.facts as facts
	}
	service.deny == set() with input as given(balanced, {"c2": {"serviceType": "NodePort"}})
		with input.clusters.c2.facts.loadBalancer as false
	service.deny == set() with input as given(balanced, {})
		with input.clusters.left as {"facts": {"loadBalancer": false}, "effective": balanced}
}
