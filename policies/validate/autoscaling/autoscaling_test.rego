package validate.autoscaling_test

import data.validate.autoscaling

finding(field, message, fix) := {"code": "autoscaling", "field": field, "message": message, "fix": fix}

crossed(place, most, fewest) := finding(
	sprintf("%s.minReplicas", [place]),
	sprintf("must be at most maxReplicas, which is %d, is %d", [most, fewest]),
	"lower minReplicas or raise maxReplicas",
)

outside(place, resource, target) := finding(
	sprintf("%s.%s.targetAverageUtilization", [place, resource]),
	sprintf("must be between 1 and 100, is %v", [target]),
	"state the target in percent of the request",
)

unrequested(place, resource) := finding(
	sprintf("%s.resources.requests.%s", [place, resource]),
	sprintf("must be set for the %s target to be measured against, is absent", [resource]),
	"set the request, or remove the target",
)

unmade(place) := finding(
	sprintf("%s.maxReplicas", [place]),
	"must be set for an autoscaler to be made, is absent",
	"set maxReplicas, or remove the target",
)

ignored(place, fewest, most, replicas) := finding(
	sprintf("%s.replicaCount", [place]),
	sprintf("must be between minReplicas and maxReplicas, which are %d and %d, is %d", [fewest, most, replicas]),
	"leave replicaCount out: the autoscaler decides",
)

by_memory(place) := finding(
	sprintf("%s.memory.targetAverageUtilization", [place]),
	"must be a CPU target for pods to be removed again, is a memory target: a proxy keeps the memory that it took",
	"use cpu.targetAverageUtilization",
)

requested := {"resources": {"requests": {"cpu": "200m", "memory": "256Mi"}}}

autoscaled := object.union(requested, {
	"replicaCount": 1,
	"minReplicas": 2,
	"maxReplicas": 5,
	"cpu": {"targetAverageUtilization": 80},
})

denied(spec) := found if found := autoscaling.deny with input.gateway.spec as spec

warned(spec) := found if found := autoscaling.warn with input.gateway.spec as spec

# overridden judges a spec with overrides; effective is what becomes of it in each cluster.
overridden(spec, overrides, effective) := {"deny": denials, "warn": warnings} if {
	overriding := {
		"gateway": {"spec": object.union(spec, {"overrides": overrides})},
		"clusters": {id: {"effective": cluster} | some id, cluster in effective},
	}
	denials := autoscaling.deny with input as overriding
	warnings := autoscaling.warn with input as overriding
}

test_accepts_an_empty_object if {
	autoscaling.deny == set() with input as {}
	autoscaling.warn == set() with input as {}
}

test_accepts_an_autoscaler_without_contradictions if {
	denied(autoscaled) == set()
	warned(autoscaled) == set()
}

test_accepts_what_consoles_write_without_an_autoscaler if {
	console := {"replicaCount": 3, "minReplicas": 1, "maxReplicas": 1, "cpu": {}, "memory": {}}
	denied(console) == set()
	warned(console) == set()
}

test_refuses_more_at_least_than_at_most if {
	denied({"minReplicas": 5, "maxReplicas": 3}) == {crossed("spec", 3, 5)}
	denied({"minReplicas": 3, "maxReplicas": 3}) == set()
	denied({"maxReplicas": 0}) == {crossed("spec", 0, 1)}
}

test_refuses_targets_that_are_no_percentage if {
	every target in [0, -1, 101, 80.5e10, "80%"] {
		spec := object.union(autoscaled, {"cpu": {"targetAverageUtilization": target}})
		denied(spec) == {outside("spec", "cpu", target)}
	}
	every target in [1, 50, 100] {
		spec := object.union(autoscaled, {"cpu": {"targetAverageUtilization": target}})
		denied(spec) == set()
	}
}

test_refuses_a_target_without_a_request if {
	spec := object.remove(autoscaled, ["resources"])
	denied(spec) == {unrequested("spec", "cpu")}
	denied(object.union(spec, {"resources": {"requests": {"memory": "1Gi"}, "limits": {"memory": "2G"}}})) == {unrequested(
		"spec",
		"cpu",
	)}
}

test_takes_a_limit_for_the_request if {
	spec := object.union(object.remove(autoscaled, ["resources"]), {"resources": {"limits": {"cpu": "2"}}})
	denied(spec) == set()
}

test_refuses_all_that_is_wrong_at_once if {
	denied({
		"minReplicas": 5, "maxReplicas": 3,
		"cpu": {"targetAverageUtilization": 0}, "memory": {"targetAverageUtilization": 101},
	}) == {
		crossed("spec", 3, 5),
		outside("spec", "cpu", 0), outside("spec", "memory", 101),
		unrequested("spec", "cpu"), unrequested("spec", "memory"),
	}
}

test_warns_of_a_target_without_an_autoscaler if {
	spec := object.union(requested, {"cpu": {"targetAverageUtilization": 80}})
	denied(spec) == set()
	warned(spec) == {unmade("spec")}
}

test_warns_of_a_replica_count_that_the_autoscaler_ends if {
	warned(object.union(autoscaled, {"replicaCount": 6})) == {ignored("spec", 2, 5, 6)}
	warned(object.union(autoscaled, {"replicaCount": 0})) == {ignored("spec", 2, 5, 0)}
	warned(object.union(autoscaled, {"replicaCount": 5})) == set()
}

test_takes_one_for_the_fewest_when_nobody_says if {
	spec := object.remove(autoscaled, ["minReplicas"])
	warned(object.union(spec, {"replicaCount": 6})) == {ignored("spec", 1, 5, 6)}
}

test_says_nothing_of_a_replica_count_that_everybody_gets if {
	warned(object.union(autoscaled, {"replicaCount": 1})) == set()
	warned(object.remove(autoscaled, ["replicaCount"])) == set()
}

test_warns_of_a_memory_target if {
	spec := object.union(autoscaled, {"memory": {"targetAverageUtilization": 80}})
	denied(spec) == set()
	warned(spec) == {by_memory("spec")}
}

test_says_nothing_of_the_targets_of_an_autoscaler_that_is_off if {
	off := {
		"autoscaleEnabled": false,
		"replicaCount": 9, "cpu": {"targetAverageUtilization": 0}, "memory": {"targetAverageUtilization": 80},
	}
	denied(off) == set()
	warned(off) == set()
	denied(object.union(off, {"minReplicas": 5, "maxReplicas": 3})) == {crossed("spec", 3, 5)}
}

test_reports_what_an_override_causes_at_the_override if {
	effective := {
		"c1": object.union(autoscaled, {"maxReplicas": 1}),
		"c2": object.union(autoscaled, {"replicaCount": 9}),
		"c3": autoscaled,
	}
	overrides := {"c1": {"maxReplicas": 1}, "c2": {"replicaCount": 9}}
	overridden(autoscaled, overrides, effective) == {
		"deny": {crossed("spec.overrides.c1", 1, 2)},
		"warn": {ignored("spec.overrides.c2", 2, 5, 9)},
	}
}

test_reports_what_the_spec_causes_once if {
	wrong := object.remove(autoscaled, ["resources"])
	effective := {"c1": object.union(wrong, {"replicaCount": 3}), "c2": object.union(wrong, {"replicaCount": 4})}
	overrides := {"c1": {"replicaCount": 3}, "c2": {"replicaCount": 4}}
	overridden(wrong, overrides, effective) == {"deny": {unrequested("spec", "cpu")}, "warn": set()}
}

test_reports_every_cluster_that_is_overridden_alike if {
	low := object.union(autoscaled, {"maxReplicas": 1})
	overrides := {
		"c1": {"maxReplicas": 1, "serviceAnnotations": {"lb": "1"}},
		"c2": {"maxReplicas": 1, "podAnnotations": {"a": "b"}},
	}
	overridden(autoscaled, overrides, {"c1": low, "c2": low}) == {
		"deny": {crossed("spec.overrides.c1", 1, 2), crossed("spec.overrides.c2", 1, 2)},
		"warn": set(),
	}
}

test_says_nothing_of_a_cluster_of_which_nothing_is_known if {
	overridden(autoscaled, {"c9": {"maxReplicas": 1}}, {}) == {"deny": set(), "warn": set()}
}
