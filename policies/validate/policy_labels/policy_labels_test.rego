package validate.policy_labels_test

import data.validate.policy_labels

finding(message) := {
	"code": "policy_labels",
	"field": "metadata.labels",
	"message": message,
	"fix": "leave these labels as they are, or have a platform team's member change them",
}

taken_out := finding("must keep the gateway under GatewayPolicy strict, takes it out")

brought_under := finding("must keep the gateway from GatewayPolicy lax, brings it under that")

asked(groups) := {"policies": {"left": ["strict"], "joined": ["lax"]}, "request": {"user": {"groups": groups}}}

test_accepts_an_empty_object if {
	policy_labels.deny == set() with input as {}
}

test_accepts_labels_that_change_no_match if {
	policy_labels.deny == set() with input as {"policies": {"left": [], "joined": []}}
}

test_refuses_to_leave_a_policy if {
	policy_labels.deny == {taken_out} with input as {"policies": {"left": ["strict"], "joined": []}}
}

test_refuses_to_join_a_policy if {
	policy_labels.deny == {brought_under} with input as {"policies": {"left": [], "joined": ["lax"]}}
}

test_refuses_whoever_is_of_no_group if {
	policy_labels.deny == {taken_out, brought_under} with input as asked([])
	policy_labels.deny == {taken_out, brought_under} with input as asked(["system:authenticated"])
}

test_accepts_what_the_platform_team_does if {
	policy_labels.deny == set() with input as asked(["system:masters"])
	policy_labels.deny == set() with input as asked(["a", "gitops"])
		with data.parameters.policy_labels.groups as ["platform", "gitops"]
}

test_refuses_everybody_where_there_is_no_platform_team if {
	policy_labels.deny == {taken_out, brought_under} with input as asked(["system:masters"])
		with data.parameters.policy_labels.groups as []
}
