package lib.result_test

import data.lib.result

chain := [
	{"path": ["validate", "namespace", "deny"]},
	{"path": ["validate", "namespace"], "annotations": {"scope": "package", "custom": {"fix": "move it"}}},
]

test_takes_code_and_fix_from_the_rule if {
	found := {"field": "metadata.namespace", "message": "must be a, is b"}
	result.finding(chain, found) == {
		"code": "namespace",
		"field": "metadata.namespace",
		"message": "must be a, is b",
		"fix": "move it",
	}
}

test_prefers_the_fix_of_the_finding if {
	result.finding(chain, {"field": "f", "message": "m", "fix": "move it to a"}) == {
		"code": "namespace",
		"field": "f",
		"message": "m",
		"fix": "move it to a",
	}
}

test_has_an_empty_fix_when_nobody_knows_one if {
	bare := [{"path": ["validate", "namespace", "deny"]}]
	result.finding(bare, {"field": "f", "message": "m"}) == {
		"code": "namespace",
		"field": "f",
		"message": "m",
		"fix": "",
	}
}

test_takes_code_and_fix_from_a_rule_of_a_policy if {
	own := [
		{"path": ["own", "team_a", "validate", "team_label", "deny"]},
		{"path": ["own", "team_a", "validate", "team_label"], "annotations": {"scope": "package", "custom": {"fix": "set it"}}},
	]
	result.finding(own, {"field": "f", "message": "m"}) == {
		"code": "team_label",
		"field": "f",
		"message": "m",
		"fix": "set it",
	}
}
