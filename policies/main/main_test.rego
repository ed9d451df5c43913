package main_test

import data.main

finding(code) := {"code": code, "field": "spec", "message": "must be a, is b", "fix": "do c"}

test_answers_for_an_empty_input if {
	{denial.code | some denial in main.validate.deny} == {"address_approval"} with input as {}
	main.validate.warn == set() with input as {}
	main.mutate.ensure == set() with input as {}
	"defaults" in {fill.rule | some fill in main.mutate.fill} with input as {}
}

test_collects_what_every_rule_refuses_and_warns_of if {
	rules := {"a": {"deny": {finding("a")}}, "b": {"deny": {finding("b")}, "warn": {finding("b")}}, "c": {}}
	main.validate == {"deny": {finding("a"), finding("b")}, "warn": {finding("b")}} with input as {"gateway": {}}
		with data.validate as rules
}

test_refuses_and_warns_of_nothing_on_deletion if {
	rules := {"a": {"deny": {finding("a")}, "warn": {finding("a")}}}
	main.validate == {"deny": set(), "warn": set()} with input as {"request": {"operation": "DELETE"}, "old": {}}
		with data.validate as rules
}

test_asks_rules_about_what_they_say_they_judge if {
	rules := {
		"a": {"deny": {finding("a")}, "warn": {finding("a")}},
		"b": {"deny": {finding("b")}, "warn": {finding("b")}, "judges": {"gateway", "deletion"}},
		"c": {"deny": {finding("c")}, "warn": {finding("c")}, "judges": {"approval"}},
	}
	every subject, codes in {"gateway": {"a", "b"}, "deletion": {"b"}, "approval": {"c"}} {
		found := {finding(code) | some code in codes}
		main.validate == {"deny": found, "warn": found} with input as {subject: {}} with data.validate as rules
	}
}

test_collects_what_every_rule_fills_with_the_rule_that_says_so if {
	rules := {
		"a": {"fill": {"/spec/a": 1, "/spec/b": {"c": 2}}},
		"b": {"fill": {"/spec/a": 1}, "absent": {0, ""}},
	}
	main.mutate.fill == {
		{"rule": "a", "path": "/spec/a", "value": 1, "absent": set()},
		{"rule": "a", "path": "/spec/b", "value": {"c": 2}, "absent": set()},
		{"rule": "b", "path": "/spec/a", "value": 1, "absent": {0, ""}},
	} with data.mutate as rules
}

test_collects_the_items_that_rules_ensure if {
	wanted := {"path": "/spec/tolerations", "key": ["key"], "item": {"key": "k"}}
	main.mutate.ensure == {object.union({"rule": "a"}, wanted), object.union({"rule": "b"}, wanted)} with data.mutate as {
		"a": {"ensure": {wanted}},
		"b": {"ensure": {wanted}},
	}
}

test_accepts_a_gateway_that_says_what_it_must if {
	main.validate.deny == set() with input as {
		"request": {"operation": "CREATE"},
		"gateway": {"metadata": {"name": "edge", "namespace": "istio-system"}, "spec": {"clusterIds": ["c1"]}},
		"clusters": {"c1": {"registered": true, "reachable": true, "effective": {}, "mesh": {"version": "1.26"}}},
		"mesh": {"version": "1.26"},
	}
}

test_refuses_an_empty_gateway_for_all_that_it_lacks if {
	denied := main.deny with input as {"gateway": {}}
	{"namespace", "cluster_ids"} - {denial.code | some denial in denied} == set()
}

own_rules := {
	"team_a": {
		"validate": {"a": {"deny": {finding("forged")}, "warn": {finding("a")}}},
		"mutate": {"a": {"fill": {"/spec/a": 1}, "absent": {0}, "ensure": {{"path": "/spec/l", "key": ["k"], "item": {"k": 1}}}}},
	},
	"team_b": {
		"validate": {"b": {"deny": {finding("b")}, "warn": {finding("b")}}},
		"mutate": {"b": {"fill": {"/spec/b": 1}, "ensure": {{"path": "/spec/m", "key": ["k"], "item": {"k": 1}}}}},
	},
}

test_collects_what_the_rules_of_matching_policies_say_in_their_own_names if {
	main.validate == {"deny": {finding("a")}, "warn": {finding("a")}} with input as {"gateway": {}}
		with data.validate as {}
		with data.own as own_rules
		with data.matching as ["team_a"]
	main.mutate == {
		"fill": {{"rule": "a", "path": "/spec/a", "value": 1, "absent": {0}}},
		"ensure": {{"rule": "a", "path": "/spec/l", "key": ["k"], "item": {"k": 1}}},
	} with data.mutate as {}
		with data.own as own_rules
		with data.matching as ["team_a"]
}

test_collects_nothing_of_policies_where_none_matches if {
	main.validate == {"deny": set(), "warn": set()} with input as {"gateway": {}}
		with data.validate as {}
		with data.own as own_rules
		with data.matching as []
}

test_refuses_nothing_for_policies_on_deletion if {
	main.validate == {"deny": set(), "warn": set()} with input as {"old": {}}
		with data.validate as {}
		with data.own as own_rules
		with data.matching as ["team_a", "team_b"]
}

# The ingress gateway of the CRD reference, after mutation.
documented := {
	"metadata": {"name": "myexample-customingressgateway", "namespace": "istio-system"},
	"spec": {
		"clusterIds": ["c1", "c2"],
		"cpu": {"targetAverageUtilization": 80},
		"externalTrafficPolicy": "Local",
		"gatewayType": "ingress",
		"ports": [
			{"name": "http2", "port": 80, "protocol": "TCP", "targetPort": 80},
			{"name": "https", "port": 443, "protocol": "TCP", "targetPort": 443},
		],
		"replicaCount": 1,
		"resources": {"limits": {"cpu": "2", "memory": "2G"}, "requests": {"cpu": "200m", "memory": "256Mi"}},
		"serviceType": "LoadBalancer",
		"serviceAnnotations": {"service.beta.kubernetes.io/alicloud-loadbalancer-address-type": "internet"},
		"overrides": {
			"c1": {"replicaCount": 1, "serviceAnnotations": {"spec": "slb.s1.small"}},
			"c2": {"replicaCount": 2, "serviceAnnotations": {"spec": "slb.s2.small"}},
		},
	},
}

placed(replicas) := {
	"registered": true,
	"reachable": true,
	"managed": false,
	"mesh": {"version": "1.26.0.1"},
	"facts": {"kubernetesVersion": "v1.36.3", "virtualNodes": "None"},
	"effective": object.union(
		object.remove(documented.spec, ["clusterIds", "overrides"]),
		{"replicaCount": replicas},
	),
}

test_accepts_the_documented_gateway_with_a_warning if {
	verdict := main.validate with input as {
		"request": {"operation": "CREATE"},
		"gateway": documented,
		"clusters": {"c1": placed(1), "c2": placed(2)},
		"mesh": {"version": "1.26.0.1"},
	}
	verdict.deny == set()
	"autoscaling: spec.maxReplicas" in {sprintf("%s: %s", [warning.code, warning.field]) | some warning in verdict.warn}
}

test_refuses_the_documented_gateway_where_its_clusters_are_not_known if {
	denied := main.deny with input as {"request": {"operation": "CREATE"}, "gateway": documented, "clusters": {}}
	{
		"cluster_ids: spec.clusterIds[0]",
		"cluster_ids: spec.clusterIds[1]",
	} - {sprintf("%s: %s", [denial.code, denial.field]) | some denial in denied} == set()
}
