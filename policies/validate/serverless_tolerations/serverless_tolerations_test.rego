package validate.serverless_tolerations_test

import data.validate.serverless_tolerations

on(kinds, spec) := {
	"gateway": {"spec": object.union({"clusterIds": object.keys(kinds)}, spec)},
	"clusters": {id: {"facts": {"virtualNodes": kind}} | some id, kind in kinds},
}

finding(field, message, fix) := {"code": "serverless_tolerations", "field": field, "message": message, "fix": fix}

intolerant := finding(
	"spec.tolerations",
	"must tolerate virtual-kubelet.io/provider=alibabacloud:NoSchedule of virtual nodes, where the pods must run, does not",
	"add {key: virtual-kubelet.io/provider, operator: Equal, value: alibabacloud, effect: NoSchedule}",
)

without_virtual_nodes(field, ids) := finding(
	field,
	sprintf("must be met by a node in every cluster, asks for virtual nodes, which %s has none of", [ids]),
	"remove it, or make a gateway of its own for the clusters with virtual nodes",
)

without_machines(field, ids) := finding(
	field,
	sprintf("must be met by a node in every cluster, keeps off virtual nodes, and %s has no others", [ids]),
	"remove it, or make a gateway of its own for the clusters with machines",
)

affinity_field := "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution"

refuses(wanted, asked) if serverless_tolerations.deny == wanted with input as asked

toleration := {
	"key": "virtual-kubelet.io/provider",
	"operator": "Equal",
	"value": "alibabacloud",
	"effect": "NoSchedule",
}

tolerating := {"tolerations": [{"key": "mykey", "operator": "Equal", "value": "myvalue", "effect": "NoSchedule"}, toleration]}

selector := {"nodeSelector": {"type": "virtual-kubelet"}}

in_virtual := {"key": "type", "operator": "In", "values": ["virtual-kubelet"]}

in_machines := {"key": "mykey4pod", "operator": "In", "values": ["asmgateway"]}

required(expressions) := {"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [
{"matchExpressions": [expression]} |
	some expression in expressions
]}}}}

test_judges_nothing_in_an_empty_input if refuses(set(), {})

test_judges_nothing_in_an_empty_gateway if refuses(set(), {"gateway": {}})

test_refuses_a_serverless_cluster_without_the_toleration if {
	refuses({intolerant}, on({"c1": "All"}, {}))
	refuses({intolerant}, on({"c1": "None", "c2": "All"}, {}))
	refuses({intolerant}, {
		"gateway": {"metadata": {"annotations": {"asm.alibabacloud.com/managed-by-asm": "true"}}},
		"clusters": {"asm": {"managed": true, "facts": {"virtualNodes": "All"}}},
	})
}

test_refuses_whoever_must_run_there_without_the_toleration if {
	every spec in [
		selector,
		{"podLabels": {"alibabacloud.com/eci": "true"}},
		required([in_virtual]),
		required([in_virtual, in_virtual]),
	] {
		refuses({intolerant}, on({"c1": "Some"}, spec))
	}
}

test_takes_every_toleration_of_the_taint if {
	every written in [
		toleration,
		object.remove(toleration, ["operator"]),
		object.remove(toleration, ["effect"]),
		{"key": "virtual-kubelet.io/provider", "operator": "Exists"},
		{"key": "virtual-kubelet.io/provider", "operator": "Exists", "effect": "NoSchedule"},
		{"operator": "Exists"},
	] {
		refuses(set(), on({"c1": "All"}, {"tolerations": [written]}))
	}
}

test_takes_nothing_else_for_a_toleration_of_the_taint if {
	every written in [
		{},
		object.union(toleration, {"effect": "NoExecute"}),
		object.union(toleration, {"value": "other"}),
		object.union(toleration, {"key": "other"}),
		object.remove(toleration, ["value"]),
		{"key": "other", "operator": "Exists"},
		{"operator": "Exists", "effect": "NoExecute"},
	] {
		refuses({intolerant}, on({"c1": "All"}, {"tolerations": [written]}))
	}
}

test_lets_those_be_who_may_run_elsewhere if {
	every spec in [
		{},
		required([in_machines, in_virtual]),
		required([{"key": "type", "operator": "In", "values": ["virtual-kubelet", "machine"]}]),
		{"podLabels": {"alibabacloud.com/eci": "false"}},
	] {
		refuses(set(), on({"c1": "Some"}, spec))
		refuses(set(), on({"c1": "None"}, spec))
	}
}

test_refuses_nothing_for_what_is_not_known if {
	refuses(set(), on({"c1": "unknown"}, object.union(selector, tolerating)))
	refuses(set(), {"gateway": {"spec": {"clusterIds": ["c1"]}}, "clusters": {"c1": {}}})
}

test_refuses_to_ask_for_virtual_nodes_where_there_are_none if {
	kinds := {"c1": "None", "c2": "Some", "c3": "None"}
	refuses({without_virtual_nodes("spec.nodeSelector", "c1, c3")}, on(kinds, object.union(selector, tolerating)))
	refuses({without_virtual_nodes(affinity_field, "c1")}, on({"c1": "None"}, object.union(required([in_virtual]), tolerating)))
}

test_refuses_to_keep_off_virtual_nodes_where_there_is_nothing_else if {
	every expression in [
		{"key": "type", "operator": "NotIn", "values": ["virtual-kubelet"]},
		{"key": "type", "operator": "DoesNotExist"},
		{"key": "type", "operator": "In", "values": ["machine"]},
	] {
		refuses(
			{without_machines(affinity_field, "c2")},
			on({"c1": "None", "c2": "All"}, object.union(required([expression]), tolerating)),
		)
	}
	refuses(
		{without_machines("spec.nodeSelector", "c1")},
		on({"c1": "All"}, object.union({"nodeSelector": {"type": "machine"}}, tolerating)),
	)
}

test_lets_an_affinity_be_that_virtual_nodes_may_meet if {
	every expressions in [
		[in_machines],
		[in_virtual],
		[{"key": "type", "operator": "Exists"}],
		[{"key": "type", "operator": "NotIn", "values": ["machine"]}],
		[{"key": "type", "operator": "DoesNotExist"}, in_machines],
	] {
		refuses(set(), on({"c1": "All"}, object.union(required(expressions), tolerating)))
	}
}

# The affinity and tolerations of ASM's page on virtual nodes, in the cluster that it is about.
test_takes_the_sample_of_the_page_on_virtual_nodes if {
	preferred := {"affinity": {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [
		{"weight": 20, "preference": {"matchExpressions": [in_virtual]}},
		{"weight": 80, "preference": {"matchExpressions": [in_machines]}},
	]}}}
	sample := object.union_n([required([in_machines, in_virtual]), preferred, tolerating])
	every kind in ["None", "Some", "All"] { refuses(set(), on({"c8a4b2xxxxxx": kind}, sample)) }
}

test_takes_what_consoles_write if {
	every kind in ["None", "Some"] { refuses(set(), on({"c1": kind}, {"affinity": {}, "nodeSelector": {}, "tolerations": []})) }
}

test_says_all_that_is_wrong_at_once if {
	refuses(
		{intolerant, without_virtual_nodes("spec.nodeSelector", "c1"), without_virtual_nodes(affinity_field, "c1")},
		on({"c1": "None"}, object.union(selector, required([in_virtual]))),
	)
}

test_takes_taint_and_labels_from_the_parameters if {
	serverless_tolerations.deny == set() with input as on({"c1": "Some"}, selector)
		with data.parameters.serverless_tolerations.nodeLabel as {"key": "kind", "value": "serverless"}
	serverless_tolerations.deny == set() with input as on({"c1": "All"}, {"tolerations": [{"key": "serverless", "value": "yes", "effect": "NoExecute"}]})
		with data.parameters.serverless_tolerations.toleration as {"key": "serverless", "value": "yes", "effect": "NoExecute"}
	serverless_tolerations.deny == {intolerant} with input as on({"c1": "Some"}, {"podLabels": {"serverless": "yes"}})
		with data.parameters.serverless_tolerations.podLabel as {"key": "serverless", "value": "yes"}
}

test_counts_no_cluster_that_the_gateway_leaves if {
	leaving := object.union(on({"c1": "Some"}, object.union(selector, tolerating)), {"clusters": {"c2": {"facts": {"virtualNodes": "None"}}}})
	refuses(set(), leaving)
	refuses(set(), object.union(on({"c1": "None"}, {}), {"clusters": {"c2": {"facts": {"virtualNodes": "All"}}}}))
}
