package validate.availability_test

import data.validate.availability

finding(field, message, fix) := {"code": "availability", "field": field, "message": message, "fix": fix}

few(field, pods) := finding(field, sprintf("must be at least 2 in production, is %d", [pods]), "raise it")

together := finding(
	"spec.affinity.podAntiAffinity",
	"must keep pods apart in production, is absent: they may all be on one node",
	"add a preferred term for this gateway's label app, with topologyKey topology.kubernetes.io/zone",
)

zoneless(topologies) := finding(
	"spec.affinity.podAntiAffinity",
	sprintf("must keep pods apart by zone in production, does by %s", [topologies]),
	"add a term with topologyKey topology.kubernetes.io/zone",
)

switchless(id) := finding(
	"spec.podAnnotations.k8s.aliyun.com/eci-vswitch",
	sprintf("must list 2 vSwitches or more in production, does not in %s", [id]),
	"list a vSwitch of each zone, with commas between them",
)

marked(spec, clusters) := {
	"gateway": {
		"metadata": {"labels": {"environment": "production"}},
		"spec": object.union({"clusterIds": object.keys(clusters)}, spec),
	},
	"clusters": clusters,
}

on_machines(effective) := {"effective": effective, "facts": {"virtualNodes": "None"}}

serverless(annotations) := {"effective": {"replicaCount": 2, "podAnnotations": annotations}, "facts": {"virtualNodes": "All"}}

pair := {"c1": on_machines({"replicaCount": 2})}

preferring(topologies) := {"affinity": {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [
{"weight": 100, "podAffinityTerm": {"topologyKey": topology}} |
	some topology in topologies
]}}}

requiring(topology) := {"affinity": {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [{"topologyKey": topology}]}}}

spread := preferring(["kubernetes.io/hostname", "topology.kubernetes.io/zone"])

warns(wanted, asked) if availability.warn == wanted with input as asked

test_warns_of_nothing_in_an_empty_input if warns(set(), {})

test_warns_of_nothing_in_an_empty_gateway if warns(set(), {"gateway": {}})

test_warns_of_nothing_that_is_not_marked if {
	every labels in [{}, {"environment": "test"}, {"env": "production"}] {
		warns(set(), {
			"gateway": {"metadata": {"labels": labels}, "spec": {"clusterIds": ["c1"]}},
			"clusters": {"c1": on_machines({"replicaCount": 1})},
		})
	}
}

test_takes_two_pods_that_are_kept_apart_by_zone if {
	warns(set(), marked(spread, pair))
	warns(set(), marked(requiring("topology.kubernetes.io/zone"), pair))
	warns(set(), marked(requiring("failure-domain.beta.kubernetes.io/zone"), pair))
}

test_warns_of_a_single_pod if {
	warns({few("spec.replicaCount", 1)}, marked(spread, {"c1": on_machines({"replicaCount": 1})}))
	warns({few("spec.replicaCount", 0)}, marked(spread, {"c1": on_machines({"replicaCount": 0})}))
}

test_warns_of_a_single_pod_that_an_autoscaler_keeps if {
	scaled := {"replicaCount": 3, "maxReplicas": 9, "cpu": {"targetAverageUtilization": 80}}
	warns({few("spec.minReplicas", 1)}, marked(spread, {"c1": on_machines(scaled)}))
	warns(set(), marked(spread, {"c1": on_machines(object.union(scaled, {"minReplicas": 2}))}))
}

test_names_the_override_that_leaves_a_single_pod if {
	overridden := object.union(spread, {"overrides": {"c2": {"replicaCount": 1}}})
	clusters := object.union(pair, {"c2": on_machines({"replicaCount": 1})})
	warns({few("spec.overrides.c2.replicaCount", 1)}, marked(overridden, clusters))
}

test_reports_what_no_override_causes_once if {
	single := on_machines({"replicaCount": 1})
	warns({few("spec.replicaCount", 1)}, marked(spread, {"c1": single, "c2": single}))
}

test_warns_of_pods_that_nothing_keeps_apart if {
	every spec in [{}, {"affinity": {}}, {"affinity": {"podAntiAffinity": {}}}, {"affinity": {"nodeAffinity": {}}}, preferring([])] {
		warns({together}, marked(spec, pair))
	}
}

test_warns_of_pods_that_no_zone_keeps_apart if {
	warns({zoneless("kubernetes.io/hostname")}, marked(requiring("kubernetes.io/hostname"), pair))
	warns({zoneless("kubernetes.io/hostname, rack")}, marked(preferring(["rack", "kubernetes.io/hostname"]), pair))
}

test_asks_for_vswitches_where_every_node_is_virtual if {
	every listed in ["vsw-a,vsw-b", "vsw-a, vsw-b"] {
		warns(set(), marked({}, {"c1": serverless({"k8s.aliyun.com/eci-vswitch": listed})}))
	}
	every annotations in [
		{},
		{"k8s.aliyun.com/eci-vswitch": ""},
		{"k8s.aliyun.com/eci-vswitch": "vsw-a,"},
		{"k8s.aliyun.com/eci-vswitch": "vsw-a,vsw-a"},
	] {
		warns({switchless("c1")}, marked({}, {"c1": serverless(annotations)}))
	}
}

test_asks_for_both_where_clusters_differ if {
	warns({together, switchless("c2")}, marked({}, object.union(pair, {"c2": serverless({})})))
}

test_asks_a_gateway_that_asm_manages_for_no_nodes if {
	warns(set(), {
		"gateway": {"metadata": {
			"annotations": {"asm.alibabacloud.com/managed-by-asm": "true"},
			"labels": {"environment": "production"},
		}},
		"clusters": {"asm": object.union(on_machines({"replicaCount": 2}), {"managed": true})},
	})
}

test_takes_the_mark_from_the_parameters if {
	availability.warn == {together} with input as object.union(marked({}, pair), {"gateway": {"metadata": {"labels": {"tier": "1"}}}})
		with data.parameters.availability.label as {"key": "tier", "value": "1"}
}
