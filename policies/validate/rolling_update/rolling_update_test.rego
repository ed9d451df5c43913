package validate.rolling_update_test

import data.validate.rolling_update

fix := "set rollingMaxUnavailable to 0 and rollingMaxSurge to 1 or more: a pod goes when the new one is there"

finding(field, message) := {"code": "rolling_update", "field": field, "message": message, "fix": fix}

# A gateway, as the webhook describes it with the effective spec of each overridden cluster.
given(spec, effective) := {
	"gateway": {"spec": object.union(spec, {"overrides": effective})},
	"clusters": {id: {"effective": object.union(spec, override)} | some id, override in effective},
}

rolling(surge, unavailable, pods) := {
	"rollingMaxSurge": surge,
	"rollingMaxUnavailable": unavailable,
	"replicaCount": pods,
}

test_accepts_an_empty_input if {
	rolling_update.deny == set() with input as {}
	rolling_update.deny == set() with input as {"gateway": {}}
}

test_accepts_what_leaves_a_pod_running if {
	every shares in [
		["100%", "25%", 1], ["25%", "25%", 1], ["1", "0", 1], ["1%", "0%", 1], ["0", "1", 2], ["0", "25%", 2],
		["0", "99%", 100], ["0%", "50%", 2], ["3", "1", 2], ["0", "1", 0], ["100%", "100%", 0],
	] {
		rolling_update.deny == set() with input as given(rolling(shares[0], shares[1], shares[2]), {})
	}
}

test_accepts_the_samples_and_what_consoles_write if {
	every spec in [
		{"rollingMaxSurge": "100%", "rollingMaxUnavailable": "25%", "replicaCount": 1, "cpu": {"targetAverageUtilization": 80}},
		{"rollingMaxSurge": "25%", "rollingMaxUnavailable": "25%", "replicaCount": 1},
		{"maxReplicas": 1, "minReplicas": 1, "cpu": {}, "replicaCount": 1},
		{"replicaCount": 1},
	] {
		rolling_update.deny == set()
			with input as given(spec, {"c1": {"replicaCount": 1}, "c2": {"replicaCount": 2}})
	}
}

test_refuses_an_update_that_could_replace_no_pod if {
	every zero in ["0", "0%", "00"] {
		expected := {finding(
			"spec.rollingMaxUnavailable",
			"must be above 0 where rollingMaxSurge is 0, is 0: no pod could ever be replaced",
		)}
		rolling_update.deny == expected
			with input as given(rolling(zero, "0", 1), {"c1": {"replicaCount": 4}})
		rolling_update.deny == expected with input as given(rolling("0", zero, 4), {})
	}
}

test_refuses_to_stop_the_last_pod if {
	every case in [
		["100%", "1", 1, "1 of 1"],
		["1", "100%", 1, "100% of 1"],
		["25%", "100%", 4, "100% of 4"],
		["1", "3", 2, "3 of 2"],
		["0", "2", 2, "2 of 2"],
		["0", "1", 1, "1 of 1"],
	] {
		rolling_update.deny == {finding(
			"spec.rollingMaxUnavailable",
			sprintf("must leave a pod running, is %s", [case[3]]),
		)} with input as given(rolling(case[0], case[1], case[2]), {})
	}
}

test_refuses_what_rounding_makes_the_last_pod if {
	every share in ["25%", "99%", "1%"] {
		rolling_update.deny == {finding(
			"spec.rollingMaxUnavailable",
			sprintf("must leave a pod running, is %s of 1, which counts as 1 where rollingMaxSurge is 0", [share]),
		)} with input as given(rolling("0", share, 1), {})
	}
}

test_reckons_with_defaults_where_nothing_is_written if {
	rolling_update.deny == {finding("spec.rollingMaxUnavailable", "must leave a pod running, is 1 of 1")}
		with input as given({"rollingMaxUnavailable": "1"}, {})
	rolling_update.deny == {finding(
		"spec.rollingMaxUnavailable",
		"must leave a pod running, is 25% of 1, which counts as 1 where rollingMaxSurge is 0",
	)} with input as given({"rollingMaxSurge": "0"}, {})
}

test_reckons_with_the_lower_bound_of_the_autoscaler if {
	scaled := object.union(rolling("1", "2", 5), {"maxReplicas": 9, "cpu": {"targetAverageUtilization": 80}})
	rolling_update.deny == {finding("spec.rollingMaxUnavailable", "must leave a pod running, is 2 of 1")}
		with input as given(scaled, {})
	rolling_update.deny == set() with input as given(object.union(scaled, {"minReplicas": 3}), {})
}

test_does_not_guess_how_many_pods_others_want if {
	rolling_update.deny == set() with input as given(rolling("1", "1", 1), {})
		with input.gateway.metadata.annotations as {"asm.alibabacloud.com/replicas-managed-by-asm": "false"}
}

test_judges_overrides_where_others_count_the_rest if {
	scaled := {"minReplicas": 1, "maxReplicas": 9, "cpu": {"targetAverageUtilization": 80}}
	rolling_update.deny == {finding(
		"spec.overrides.c1.minReplicas",
		"must be more than rollingMaxUnavailable stops at once, which is 1, is 1",
	)} with input as given(rolling("1", "1", 3), {"c1": scaled})
		with input.gateway.metadata.annotations as {"asm.alibabacloud.com/replicas-managed-by-asm": "false"}
}

test_names_the_override_that_is_too_small if {
	overrides := {"c1": {"replicaCount": 1}, "c2": {"replicaCount": 3}, "c3": {"replicaCount": 1, "podAnnotations": {"a": "b"}}}
	message := "must be more than rollingMaxUnavailable stops at once, which is 1, is 1"
	rolling_update.deny == {
		finding("spec.overrides.c1.replicaCount", message),
		finding("spec.overrides.c3.replicaCount", message),
	} with input as given(rolling("1", "1", 3), overrides)
}

test_names_the_lower_bound_of_an_override if {
	scaled := object.union(rolling("0", "40%", 4), {"maxReplicas": 9, "minReplicas": 2, "cpu": {"targetAverageUtilization": 80}})
	rolling_update.deny == {finding(
		"spec.overrides.c1.minReplicas",
		"must be more than rollingMaxUnavailable stops at once, which is 40%, is 1, which counts as 1 where rollingMaxSurge is 0",
	)} with input as given(scaled, {"c1": {"minReplicas": 1}})
}

test_reports_once_what_no_override_caused if {
	rolling_update.deny == {finding("spec.rollingMaxUnavailable", "must leave a pod running, is 100% of 2")}
		with input as given(
			rolling("1", "100%", 2),
			{"c1": {"replicaCount": 3}, "c2": {"resources": {}}},
		)
}

test_refuses_what_it_cannot_read if {
	every other in ["", "%", "one", "25 %", "-1", "1.5", "0x1", 1, null, "9999999999"] {
		unreadable := {
			"code": "rolling_update",
			"message": sprintf("must be a number of pods or a share of them, is %v", [other]),
			"fix": "write it as \"1\" or \"25%\"",
		}
		rolling_update.deny == {object.union(unreadable, {"field": "spec.rollingMaxSurge"})}
			with input as given(rolling(other, "25%", 1), {})
		rolling_update.deny == {object.union(unreadable, {"field": "spec.rollingMaxUnavailable"})}
			with input as given(rolling("1", other, 1), {})
	}
}

test_takes_what_is_absent_from_parameters if {
	rolling_update.deny == {finding("spec.rollingMaxUnavailable", "must leave a pod running, is 2 of 2")}
		with input as given({}, {})
		with data.parameters.rolling_update as {"maxSurge": "1", "maxUnavailable": "2", "replicaCount": 2}
}

test_refuses_a_share_of_more_than_all if {
	rolling_update.deny == {finding("spec.rollingMaxUnavailable", "must leave a pod running, is 150% of 4")}
		with input as given(rolling("1", "150%", 4), {})
}

test_takes_a_surge_above_all_pods_for_what_it_is if {
	rolling_update.deny == set() with input as given(rolling("300%", "0", 1), {})
	rolling_update.deny == set() with input as given(rolling("10", "99%", 1), {})
}

test_keeps_an_override_that_wants_no_pods if {
	rolling_update.deny == set() with input as given(rolling("1", "1", 2), {"c1": {"replicaCount": 0}})
}

test_rounds_down_what_may_be_missing if {
	every pods, refused in {1: false, 2: false, 3: false, 4: false} {
		denied := count(rolling_update.deny) > 0 with input as given(rolling("1", "49%", pods), {})
		denied == refused
	}
	every pods, refused in {1: true, 2: false, 3: false, 4: false} {
		denied := count(rolling_update.deny) > 0 with input as given(rolling("0", "49%", pods), {})
		denied == refused
	}
}
