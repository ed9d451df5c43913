package validate.lifecycle_test

import data.validate.lifecycle

finding(field, message, fix) := {"code": "lifecycle", "field": field, "message": message, "fix": fix}

meaningless(number, written) := finding(
	sprintf("spec.readinessProbe.%s", [number]),
	sprintf("must be at least 1 for the probe to mean anything, is %v", [written]),
	"raise it, or leave it out",
)

too_late(seconds) := finding(
	"spec.readinessProbe.successThreshold",
	sprintf("must be met within the 600 seconds that a rollout waits for a pod, takes %d", [seconds]),
	"lower it or periodSeconds",
)

too_patient(seconds) := finding(
	"spec.readinessProbe.failureThreshold",
	sprintf("must take a pod that does not serve out within 300 seconds, takes %d", [seconds]),
	"lower it or periodSeconds",
)

advice := "use preStop.sleep, which gives pods as much longer; a command's time is not known"

outliving(grace, slept) := finding(
	"spec.lifecycle.preStop.exec.command",
	sprintf("must end before the %d seconds that pods have to stop, sleeps %d", [grace, slept]),
	advice,
)

hurrying(drained, left) := finding(
	"spec.lifecycle.preStop.exec.command",
	sprintf("must leave pods the %d seconds that they drain, leaves %d", [drained, left]),
	advice,
)

socket(hook) := finding(
	sprintf("spec.lifecycle.%s.tcpSocket", [hook]),
	"must be exec, httpGet or sleep, is tcpSocket: kubelets run no such hook",
	"use one of the others, or remove the hook",
)

sleepless(hook, ids) := finding(
	sprintf("spec.lifecycle.%s.sleep", [hook]),
	sprintf("must be on Kubernetes 1.30 or later, is on an earlier one in %s", [ids]),
	"use exec with the command sleep",
)

answers(denied, warned, spec) if {
	lifecycle.deny == denied with input.gateway.spec as spec
	lifecycle.warn == warned with input.gateway.spec as spec
}

accepts(spec) if answers(set(), set(), spec)

probing(numbers) := {"readinessProbe": numbers}

stopping(command) := {"lifecycle": {"preStop": {"exec": {"command": command}}}}

test_judges_nothing_in_an_empty_input if {
	lifecycle.deny == set() with input as {}
	lifecycle.warn == set() with input as {}
}

test_takes_what_consoles_write if {
	every spec in [{}, probing({}), {"lifecycle": {}}, {"lifecycle": {"preStop": {}}}, probing(null), {"lifecycle": null}, stopping(null)] { accepts(spec) }
}

test_takes_a_probe_that_can_be_met if {
	every numbers in [
		{"periodSeconds": 1},
		{"successThreshold": 40},
		{"failureThreshold": 20},
		{"periodSeconds": 2, "failureThreshold": 30, "successThreshold": 1},
		{"periodSeconds": 300, "failureThreshold": 1, "successThreshold": 2},
	] {
		accepts(probing(numbers))
	}
}

test_refuses_a_probe_without_meaning if {
	every number in ["failureThreshold", "periodSeconds", "successThreshold"] {
		every written in [0, -1, "1", null] { answers({meaningless(number, written)}, set(), probing({number: written})) }
	}
}

test_refuses_a_probe_that_no_rollout_waits_for if {
	answers({too_late(615)}, set(), probing({"successThreshold": 41}))
	answers({too_late(900)}, set(), probing({"periodSeconds": 300, "successThreshold": 3, "failureThreshold": 1}))
}

test_warns_of_a_probe_that_keeps_dead_pods if {
	answers(set(), {too_patient(315)}, probing({"failureThreshold": 21}))
	answers({too_late(601)}, {too_patient(2404)}, probing({"periodSeconds": 601}))
}

test_takes_hooks_that_leave_time_to_drain if {
	every command in [["sleep", "15"], ["/bin/sh", "-c", "sleep 5; sleep 10"], ["/bin/drain", "--asleep", "100"], []] {
		accepts(stopping(command))
	}
	accepts({"lifecycle": {"preStop": {"httpGet": {"path": "/drain", "port": 15000}}}})
	accepts({"lifecycle": {"postStart": {"exec": {"command": ["sleep", "100"]}}}})
	accepts({"lifecycle": {"preStop": {"sleep": {"seconds": 120}}}})
}

test_warns_of_a_hook_that_takes_time_from_draining if {
	answers(set(), {hurrying(45, 44)}, stopping(["sleep", "16"]))
	answers(set(), {hurrying(45, 1)}, stopping(["/bin/sh", "-c", "sleep 30 && curl -s localhost:15000/drain && sleep 29"]))
}

test_refuses_a_hook_that_outlives_its_pod if {
	answers({outliving(60, 60)}, set(), stopping(["sleep", "60"]))
	answers({outliving(60, 300)}, set(), stopping(["/bin/sh", "-c", "/bin/sleep 300"]))
}

test_gives_a_hook_the_drain_time_that_is_asked_for if {
	annotations := {"asm.alibabacloud.com/gateway-drain-timeout-seconds": "300"}
	lifecycle.deny == set() with input.gateway as {"metadata": {"annotations": annotations}, "spec": stopping(["sleep", "60"])}
	lifecycle.warn == {hurrying(300, 255)} with input.gateway as {"metadata": {"annotations": annotations}, "spec": stopping(["sleep", "60"])}
}

test_refuses_hooks_that_kubelets_do_not_run if {
	hook := {"tcpSocket": {"port": 15021}}
	answers({socket("preStop"), socket("postStart")}, set(), {"lifecycle": {"preStop": hook, "postStart": hook}})
}

test_refuses_to_sleep_where_kubernetes_cannot if {
	hook := {"sleep": {"seconds": 5}}
	lifecycle.deny == {sleepless("preStop", "c1, c2")} with input as {
		"gateway": {"spec": {"clusterIds": ["c1", "c2", "c3", "c4"], "lifecycle": {"preStop": hook}}},
		"clusters": {
			"c1": {"facts": {"kubernetesVersion": "v1.29.9-aliyun.1"}},
			"c2": {"facts": {"kubernetesVersion": "v1.22.0"}},
			"c3": {"facts": {"kubernetesVersion": "v1.30.0"}},
			"c4": {"facts": {}},
		},
	}
}

test_sleeps_wherever_kubernetes_can_or_may if {
	hook := {"lifecycle": {"preStop": {"sleep": {"seconds": 5}}, "postStart": {"sleep": {"seconds": 1}}}}
	every facts in [{}, {"kubernetesVersion": "v1.30.0"}, {"kubernetesVersion": "v1.36.3"}] {
		lifecycle.deny == set() with input as {
			"gateway": {"spec": object.union({"clusterIds": ["c1"]}, hook)},
			"clusters": {"c1": {"facts": facts}},
		}
	}
}

test_lets_commands_sleep_where_kubernetes_cannot if {
	lifecycle.deny == set() with input as {
		"gateway": {"spec": object.union({"clusterIds": ["c1"]}, stopping(["sleep", "5"]))},
		"clusters": {"c1": {"facts": {"kubernetesVersion": "v1.20.11"}}},
	}
}

test_says_all_that_is_wrong_at_once if {
	answers(
		{socket("postStart"), outliving(60, 90), meaningless("periodSeconds", 0)},
		set(),
		{
			"readinessProbe": {"periodSeconds": 0},
			"lifecycle": {"postStart": {"tcpSocket": {"port": 80}}, "preStop": {"exec": {"command": ["sleep", "90"]}}},
		},
	)
}

test_takes_its_numbers_from_the_parameters if {
	lifecycle.deny == set() with input.gateway.spec as probing({"successThreshold": 41})
		with data.parameters.lifecycle.rolloutSeconds as 615
	lifecycle.warn == set() with input.gateway.spec as probing({"failureThreshold": 21})
		with data.parameters.lifecycle.outageSeconds as 315
	lifecycle.deny == {too_late(800)} with input.gateway.spec as probing({"successThreshold": 40})
		with data.parameters.lifecycle.readinessProbe.periodSeconds as 20
}

test_reads_no_time_from_other_commands if {
	every command in [["sleep", "0"], ["sleep", "5m"], ["sleepy", "90"], ["nosleep 90"], ["/bin/drain", "90"]] { accepts(stopping(command)) }
}
