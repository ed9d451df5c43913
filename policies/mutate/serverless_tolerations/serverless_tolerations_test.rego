package mutate.serverless_tolerations_test

import data.mutate.serverless_tolerations as rule

toleration := {
	"key": "virtual-kubelet.io/provider",
	"operator": "Equal",
	"value": "alibabacloud",
	"effect": "NoSchedule",
}

ensured := {{"path": "/spec/tolerations", "key": ["effect", "key", "value"], "item": toleration}}

managed := {"metadata": {"annotations": {"asm.alibabacloud.com/managed-by-asm": "true"}}}

eci := {"podLabels": {"alibabacloud.com/eci": "true"}}

with_terms(required, preferred) := {"affinity": {"nodeAffinity": {
	"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": required},
	"preferredDuringSchedulingIgnoredDuringExecution": preferred,
}}}

term(operator, values) := {"matchExpressions": [
	{"key": "mykey", "operator": "In", "values": ["asmgateway"]},
	{"key": "type", "operator": operator, "values": values},
]}

test_ensures_nothing_for_an_empty_object if rule.ensure == set() with input as {}

test_ensures_nothing_for_a_gateway_on_machines if {
	rule.ensure == set() with input as {
		"gateway": {"spec": {"clusterIds": ["c1"], "nodeSelector": {"type": "machine"}, "podLabels": {"a": "b"}}},
		"clusters": {"c1": {"facts": {"virtualNodes": "None"}}},
	}
}

test_ensures_the_toleration_when_managed if rule.ensure == ensured with input.gateway as managed

test_ensures_it_where_one_cluster_is_serverless if {
	rule.ensure == ensured with input as {
		"gateway": {"spec": {"clusterIds": ["c1", "c2"]}},
		"clusters": {"c1": {"facts": {"virtualNodes": "Some"}}, "c2": {"facts": {"virtualNodes": "All"}}},
	}
}

test_looks_only_at_the_clusters_that_the_gateway_is_in if {
	rule.ensure == set() with input as {
		"gateway": {"spec": {"clusterIds": ["c1"]}},
		"clusters": {"c1": {"facts": {"virtualNodes": "Some"}}, "left": {"facts": {"virtualNodes": "All"}}},
	}
}

test_ensures_it_for_a_node_selector if {
	rule.ensure == ensured with input.gateway.spec.nodeSelector as {"type": "virtual-kubelet"}
}

test_ensures_it_for_the_pod_label if {
	rule.ensure == ensured with input.gateway.spec as eci
	rule.ensure == set() with input.gateway.spec.podLabels as {"alibabacloud.com/eci": "false"}
}

test_ensures_it_for_an_affinity_required_or_preferred if {
	serverless := term("In", ["other", "virtual-kubelet"])
	rule.ensure == ensured with input.gateway.spec as with_terms([serverless], [])
	rule.ensure == ensured with input.gateway.spec as with_terms([], [{"weight": 20, "preference": serverless}])
}

test_ensures_nothing_for_other_affinities if {
	every other in [term("NotIn", ["virtual-kubelet"]), term("In", ["machine"]), term("Exists", []), {}] {
		rule.ensure == set() with input.gateway.spec as with_terms([other], [{"weight": 1, "preference": other}])
	}
}

test_ensures_nothing_where_an_equal_toleration_is if {
	every same in [toleration, object.remove(toleration, ["operator"]), object.union(toleration, {"operator": ""})] {
		rule.ensure == set() with input.gateway.spec as object.union(eci, {"tolerations": [same]})
	}
}

test_ensures_nothing_where_a_broader_toleration_is if {
	every broader in [
		{"operator": "Exists"},
		{"operator": "Exists", "key": ""},
		{"operator": "Exists", "effect": "NoSchedule"},
		{"operator": "Exists", "key": "virtual-kubelet.io/provider"},
		{"operator": "Exists", "key": "virtual-kubelet.io/provider", "effect": "NoSchedule"},
		object.remove(toleration, ["effect"]),
	] {
		rule.ensure == set() with input.gateway.spec as object.union(eci, {"tolerations": [{}, broader]})
	}
}

test_ensures_it_beside_tolerations_of_other_taints if {
	every other in [
		{"operator": "Exists", "effect": "NoExecute"},
		{"operator": "Exists", "key": "other"},
		object.union(toleration, {"value": "other"}),
		object.union(toleration, {"effect": "NoExecute"}),
		object.union(toleration, {"key": "other"}),
		object.remove(toleration, ["key"]),
	] {
		rule.ensure == ensured with input.gateway.spec as object.union(eci, {"tolerations": [other]})
	}
}

test_takes_another_taint_from_the_parameters if {
	own := {"key": "serverless", "operator": "Equal", "value": "yes", "effect": "NoExecute"}
	rule.ensure == {{"path": "/spec/tolerations", "key": ["effect", "key", "value"], "item": own}} with input.gateway.spec as eci
		with data.parameters.serverless_tolerations.toleration as own
}
