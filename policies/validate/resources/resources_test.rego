package validate.resources_test

import data.validate.resources

denial(field, message, fix) := {"code": "resources", "field": field, "message": message, "fix": fix}

warning(field) := {
	"code": "resources",
	"field": field,
	"message": "must be set for a proxy to leave something to others on its node, is absent",
	"fix": "set the limit",
}

enough := {"limits": {"cpu": "2", "memory": "2G"}, "requests": {"cpu": "200m", "memory": "256Mi"}}

limits(cpu, memory) := {"limits": {"cpu": cpu, "memory": memory}}

quantity_fix := "write it with a unit of Kubernetes, for example 200m or 2Gi"

test_says_nothing_where_nothing_is_written if {
	every input_ in [{}, {"gateway": {}}, {"gateway": {"spec": {}}}] {
		resources.deny | resources.warn == set() with input as input_
	}
	every empty in [{}, {"limits": {}}, {"limits": {}, "requests": {}}, null] {
		resources.deny | resources.warn == set() with input.gateway.spec.resources as empty
	}
}

test_accepts_the_samples if {
	every sample in [
		enough,
		{"limits": {"cpu": "4", "memory": "4G"}, "requests": {"cpu": "400m", "memory": "512Mi"}},
		{"limits": {"cpu": "2", "memory": "4G"}, "requests": {"cpu": "200m", "memory": "256Mi"}},
	] {
		resources.deny | resources.warn == set() with input.gateway.spec as {
			"resources": enough,
			"overrides": {"c1": {"resources": sample}, "c2": {"resources": {}}, "c3": {"replicaCount": 2}},
		}
	}
}

test_accepts_limits_that_are_the_requests_in_other_words if {
	every pair in [["200m", "0.2"], ["0.2", "200m"], ["1", "1000m"], [1, "1000m"], ["1e0", 1], ["100000000n", ".1"], ["100000u", "0.1"]] {
		asked := {"limits": {"cpu": pair[0], "memory": "1Gi"}, "requests": {"cpu": pair[1], "memory": "1024Mi"}}
		resources.deny == set() with input.gateway.spec.resources as asked
	}
}

test_reads_every_unit_of_kubernetes if {
	amounts := {text: resources.amount(text) | some text in [
		"1n", "1u", "1m", "1", "1k", "1M", "1G", "1T", "1P", "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei", "1e3", "1E-3", "+1.", ".5", "1.5Gi", "007",
	]}
	amounts == {
		"1n": 1, "1u": 1000, "1m": 1000000, "1": 1000000000, "1k": 1000000000000, "1M": 1000000000000000,
		"1G": 1000000000000000000, "1T": 1000000000000000000000, "1P": 1000000000000000000000000,
		"1E": 1000000000000000000000000000, "1Ki": 1024000000000, "1Mi": 1048576000000000,
		"1Gi": 1073741824000000000, "1Ti": 1099511627776000000000, "1Pi": 1125899906842624000000000,
		"1Ei": 1152921504606846976000000000, "1e3": 1000000000000, "1E-3": 1000000, "+1.": 1000000000,
		".5": 500000000, "1.5Gi": 1610612736000000000, "007": 7000000000,
	}
}

test_refuses_what_is_no_quantity_or_negative if {
	every value in ["", "-1", "-200m", "two", "1 Gi", "1gi", "1K", "1GB", "1e999", "0x10", "1,5", -1, true] {
		resources.deny == {denial(
			"spec.resources.limits.cpu",
			sprintf("must be a quantity of 0 or more, is %v", [value]),
			quantity_fix,
		)} with input.gateway.spec.resources as limits(value, "1Gi")
		resources.deny == {denial(
			"spec.resources.requests.memory",
			sprintf("must be a quantity of 0 or more, is %v", [value]),
			quantity_fix,
		)}
			with input.gateway.spec.resources as object.union(limits("1", "1Gi"), {"requests": {"memory": value}})
	}
}

test_refuses_limits_below_requests if {
	asked := {"limits": {"cpu": "2", "memory": "1G"}, "requests": {"cpu": "2001m", "memory": "1Gi"}}
	resources.deny == {
		denial("spec.resources.limits.cpu", "must be at least the request, which is 2001m, is 2", "raise the limit, or lower the request"),
		denial("spec.resources.limits.memory", "must be at least the request, which is 1Gi, is 1G", "raise the limit, or lower the request"),
	} with input.gateway.spec.resources as asked
}

test_compares_resources_that_nobody_listed if {
	storage := {"limits": {"ephemeral-storage": "1Gi"}, "requests": {"ephemeral-storage": "2Gi"}}
	resources.deny == {denial(
		"spec.resources.limits.ephemeral-storage",
		"must be at least the request, which is 2Gi, is 1Gi",
		"raise the limit, or lower the request",
	)}
		with input.gateway.spec.resources as {list: object.union(limits("1", "1Gi").limits, storage[list]) | some list, _ in storage}
}

test_refuses_limits_that_a_proxy_does_not_start_with if {
	resources.deny == {
		denial("spec.resources.limits.cpu", "must be at least 50m for a proxy to start, is 0", "raise the limit"),
		denial("spec.resources.limits.memory", "must be at least 64Mi for a proxy to start, is 64M", "raise the limit"),
	} with input.gateway.spec.resources as limits("0", "64M")
	resources.deny == set() with input.gateway.spec.resources as limits("50m", "64Mi")
}

test_accepts_low_requests_because_pods_start_with_them if {
	resources.deny == set()
		with input.gateway.spec.resources as object.union(limits("1", "1Gi"), {"requests": {"cpu": "0", "memory": "1Mi"}})
}

test_takes_the_lowest_limits_from_parameters if {
	resources.deny == {denial("spec.resources.limits.cpu", "must be at least 3 for a proxy to start, is 2", "raise the limit")}
		with input.gateway.spec.resources as enough
		with data.parameters.resources.lowestLimits as {"cpu": "3"}
}

test_names_every_override_that_is_wrong if {
	low := limits("1", "1Mi")
	resources.deny == {denial(place, "must be at least 64Mi for a proxy to start, is 1Mi", "raise the limit") |
		some place in ["spec.resources.limits.memory", "spec.overrides.c1.resources.limits.memory", "spec.overrides.c2.resources.limits.memory"]
	} with input.gateway.spec as {
		"resources": low,
		"overrides": {"c1": {"resources": low}, "c2": {"resources": low, "replicaCount": 2}, "c3": {"resources": enough}},
	}
}

test_warns_of_limits_that_are_missing if {
	resources.warn == {warning("spec.resources.limits.cpu"), warning("spec.resources.limits.memory")}
		with input.gateway.spec.resources as {"requests": enough.requests}
	resources.warn == {warning("spec.resources.limits.memory")}
		with input.gateway.spec.resources as {"limits": {"cpu": "1"}}
	resources.warn == {warning("spec.overrides.c1.resources.limits.cpu")} with input.gateway.spec as {
		"resources": enough,
		"overrides": {"c1": {"resources": {"limits": {"memory": "1Gi"}}}},
	}
}

test_warns_of_the_limits_that_parameters_list if {
	resources.warn == set() with input.gateway.spec.resources as {"requests": enough.requests}
		with data.parameters.resources.limited as []
}
