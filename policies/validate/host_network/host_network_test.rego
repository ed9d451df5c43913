package validate.host_network_test

import data.validate.host_network

finding(field, message, fix) := {"code": "host_network", "field": field, "message": message, "fix": fix}

risky := finding(
	"spec.hostNetwork",
	"must be false for pods to be kept apart from their nodes, is true: they reach what the node reaches",
	"set it to false; a Service of type LoadBalancer reaches the pods",
)

crowded(field, nodes, id, pods) := finding(
	field,
	sprintf("must be at most the %d nodes of %s, as no node takes two pods on its network, is %d", [nodes, id, pods]),
	"lower it, or set spec.hostNetwork to false",
)

squeezed(most, nodes, names, pods) := finding(
	"spec.replicaCount",
	sprintf(
		"must be at most %d, as of the %d nodes of c1 those with a pod of %s on their network take no other, is %d",
		[most, nodes, names, pods],
	),
	"lower it, or set spec.hostNetwork to false",
)

beside(neighbours, nodes, pods) := object.union(sized(nodes, {"replicaCount": pods}), {"clusters": {"c1": {"neighbours": neighbours}}})

taken(i, target) := finding(
	sprintf("spec.ports[%d].targetPort", [i]),
	sprintf("must be a port that nodes do not use themselves, is %d", [target]),
	"choose another target; the Service may keep its port",
)

lost(policy) := finding(
	"spec.dnsPolicy",
	sprintf("must be ClusterFirstWithHostNet for the proxy to find its control plane from the host's network, is %s", [policy]),
	"set it to ClusterFirstWithHostNet",
)

answers(denied, warned, asked) if {
	host_network.deny == denied with input as asked
	host_network.warn == warned with input as asked
}

on_host(spec) := {"gateway": {"spec": object.union({"hostNetwork": true}, spec)}}

sized(nodes, effective) := object.union(on_host({"clusterIds": ["c1"]}), {"clusters": {"c1": {"facts": {"nodes": nodes}, "effective": effective}}})

test_judges_nothing_in_an_empty_input if answers(set(), set(), {})

test_judges_nothing_off_the_hosts_network if {
	every other in [{}, {"hostNetwork": false}, {"hostNetwork": null}] {
		answers(set(), set(), {"gateway": {"spec": object.union(other, {"ports": [{"port": 22}], "dnsPolicy": "ClusterFirst"})}})
	}
	answers(set(), set(), object.union(sized(1, {"replicaCount": 2}), {"gateway": {"spec": {"hostNetwork": false}}}))
}

test_warns_of_the_hosts_network_always if {
	answers(set(), {risky}, on_host({}))
	answers(set(), {risky}, on_host({"dnsPolicy": "ClusterFirstWithHostNet"}))
}

test_refuses_more_pods_than_nodes if {
	answers(set(), {risky}, sized(2, {"replicaCount": 2}))
	answers({crowded("spec.replicaCount", 2, "c1", 3)}, {risky}, sized(2, {"replicaCount": 3}))
}

test_counts_the_pods_that_an_autoscaler_keeps if {
	scaled := {"replicaCount": 5, "minReplicas": 3, "maxReplicas": 9, "cpu": {"targetAverageUtilization": 80}}
	answers({crowded("spec.minReplicas", 2, "c1", 3)}, {risky}, sized(2, scaled))
	answers(set(), {risky}, sized(3, scaled))
}

test_names_the_override_that_is_too_large if {
	overridden := {"gateway": {"spec": {"overrides": {"c1": {"replicaCount": 4}}}}}
	answers({crowded("spec.overrides.c1.replicaCount", 3, "c1", 4)}, {risky}, object.union(sized(3, {"replicaCount": 4}), overridden))
}

test_leaves_the_pods_of_other_gateways_their_nodes if {
	scaled := {"minReplicas": 2, "maxReplicas": 9, "cpu": {"targetAverageUtilization": 80}}
	others := {"a/one": {"replicaCount": 1}, "a/two": scaled}
	answers(set(), {risky}, beside({}, 1, 1))
	answers(set(), {risky}, beside(others, 4, 1))
	answers({squeezed(1, 4, "a/one, a/two", 2)}, {risky}, beside(others, 4, 2))
	answers({squeezed(0, 2, "a/one, a/two", 1)}, {risky}, beside(others, 2, 1))
	answers({squeezed(1, 2, "a/one", 2)}, {risky}, beside({"a/one": {}}, 2, 2))
	answers({squeezed(1, 3, "a/one, a/three", 2)}, {risky}, beside({"a/one": {}, "a/three": {}}, 3, 2))
}

test_says_once_what_is_too_much_without_others_too if {
	answers({crowded("spec.replicaCount", 2, "c1", 3)}, {risky}, beside({"a/one": {}}, 2, 3))
}

test_knows_of_no_neighbour_of_whom_nobody_told if {
	answers(set(), {risky}, json.remove(beside({"a/one": {}}, 1, 1), ["clusters/c1/neighbours"]))
}

test_refuses_nothing_for_a_number_that_is_not_known if {
	answers(set(), {risky}, json.remove(sized(1, {"replicaCount": 3}), ["clusters/c1/facts/nodes"]))
	annotations := {"asm.alibabacloud.com/replicas-managed-by-asm": "false"}
	answers(set(), {risky}, object.union(sized(1, {"replicaCount": 3}), {"gateway": {"metadata": {"annotations": annotations}}}))
}

test_refuses_targets_that_nodes_use if {
	answers({taken(0, 22), taken(1, 10250), taken(2, 10256)}, {risky}, on_host({"ports": [
		{"port": 2222, "targetPort": 22},
		{"port": 10250, "targetPort": 0},
		{"port": 10256},
		{"port": 22, "targetPort": 2222},
		{"port": 10249, "targetPort": "http-envoy-prom"},
	]}))
}

test_warns_of_a_policy_that_does_not_find_the_control_plane if {
	every policy in ["ClusterFirst", "Default", "None"] { answers(set(), {risky, lost(policy)}, on_host({"dnsPolicy": policy})) }
}

test_takes_what_samples_write if {
	sample := {"spec": {"dnsPolicy": "ClusterFirst", "hostNetwork": false, "replicaCount": 1, "ports": [{"port": 443, "targetPort": 0}]}}
	answers(set(), set(), {"gateway": sample})
}

test_judges_each_cluster_by_its_own_nodes if {
	clusters := {
		"c1": {"facts": {"nodes": 1}, "effective": {"replicaCount": 2}},
		"c2": {"facts": {"nodes": 2}, "effective": {"replicaCount": 2}},
		"left": {"facts": {"nodes": 0}, "effective": {"replicaCount": 2}},
	}
	answers({crowded("spec.replicaCount", 1, "c1", 2)}, {risky}, object.union(on_host({"clusterIds": ["c1", "c2"]}), {"clusters": clusters}))
}

test_takes_the_ports_from_the_parameters if {
	host_network.deny == {taken(0, 80)} with input as on_host({"ports": [{"port": 80}, {"port": 22}]})
		with data.parameters.host_network.nodePorts as [80]
}
