package lib.ports_test

import data.lib.ports

test_lead_nowhere_in_an_empty_input if ports.targets == {} with input as {}

test_lead_to_their_targets if {
	ports.targets == {0: 8080, 1: "http-envoy-prom"} with input.gateway.spec.ports as [
		{"port": 80, "targetPort": 8080},
		{"port": 15090, "targetPort": "http-envoy-prom"},
	]
}

test_lead_to_their_own_number_when_nobody_says if {
	ports.targets == {0: 80, 1: 443, 2: 15443} with input.gateway.spec.ports as [
		{"port": 80},
		{"port": 443, "targetPort": 0},
		{"port": 15443, "targetPort": ""},
	]
}

test_lead_nowhere_without_any_number if ports.targets == {} with input.gateway.spec.ports as [{"name": "http"}]
