package lib.refusal_test

import data.lib.refusal

asked := {
	"request": {"operation": "UPDATE", "name": "edge", "namespace": "istio-system", "user": {"username": "ann", "credentialId": "a"}},
	"gateway": {},
	"old": {},
	"change": {
		"digest": "sha256:abc",
		"effects": {"Restart": ["c1", "c2"], "AddressLoss": []},
		"changes": [
			{"path": "spec.a", "before": 1, "after": false, "effects": ["Restart"], "clusters": ["c1", "c2"]},
			{"path": "spec.b", "after": "x", "effects": [], "clusters": []},
		],
	},
	"approvals": [],
}

lacking := refusal.lacking("Restart", 1, "restart every pod")

message := lacking.message

fix := "somebody else runs kubectl portcullis approve -n istio-system -f FILE --reason WHY; then do this again"

test_says_something_of_an_empty_object if {
	message == "must be approved by somebody other than its author, as deleting it restarts every pod in , is not; digest " with input as {}
}

test_says_what_is_to_be_approved_and_how if {
	lacking == {
		"field": "spec.a",
		"message": "must be approved by somebody other than ann, as 1 -> false restarts every pod in c1, c2, is not; digest sha256:abc",
		"fix": fix,
	} with input as asked
}

test_names_no_author_who_has_no_name if {
	contains(message, "by somebody other than its author, as") with input as asked with input.request.user.username as ""
}

test_shows_some_of_many_fields if {
	changes := [{"path": sprintf("spec.%d", [i]), "before": i, "effects": ["Restart"]} | some i in numbers.range(1, 5)]
	said := "as spec.1: 1 -> (not set), spec.2: 2 -> (not set), spec.3: 3 -> (not set) and 2 more restart every pod in c1, c2,"
	contains(message, said) with input as asked with input.change.changes as changes
}

test_shows_some_of_many_clusters if {
	clusters := [sprintf("c%d", [i]) | some i in numbers.range(1, 50)]
	contains(message, "restarts every pod in c1, c2, c3 and 47 more, is not") with input as asked
		with input.change.effects.Restart as clusters
}

test_shows_the_beginning_of_a_long_value if {
	long := concat("", ["x" | some _ in numbers.range(1, 100)])
	said := sprintf(`as "%s… -> false restarts`, [substring(long, 0, 38)])
	contains(message, said) with input as json.patch(asked, [{"op": "replace", "path": "/change/changes/0/before", "value": long}])
}

test_names_the_spec_where_no_field_is_to_blame if {
	lacking.field == "spec" with input as asked with input.change.changes as []
	contains(message, "as it restarts every pod") with input as asked with input.change.changes as []
}

test_words_a_deletion if {
	deletion := json.patch(asked, [{"op": "remove", "path": "/gateway"}])
	lacking == {
		"field": "metadata.name",
		"message": "must be approved by somebody other than ann, as deleting it restarts every pod in c1, c2, is not; digest sha256:abc",
		"fix": "somebody else runs kubectl portcullis approve -n istio-system --delete edge --reason WHY; then do this again",
	} with input as deletion
}

valid(name) := {"name": sprintf("by-%s", [name]), "matches": true, "state": "Valid", "approvedBy": {"username": name, "credentialId": name}}

test_says_who_approved_when_that_is_too_few if {
	said := refusal.lacking("Restart", 3, "restart every pod").message with input as asked
		with input.approvals as [valid("bob"), valid("carl"), valid("bob")]
	contains(said, "by 3 others than ann, as")
	contains(said, ", is by bob, carl alone;")
}

test_says_why_approvals_do_not_count_those_of_this_change_first if {
	others := [
		{"name": "old-1", "matches": false, "state": "OtherChange"},
		{"name": "old-2", "matches": false, "state": "OtherGateway"},
		{"name": "old-3", "matches": false, "state": "Used"},
		{"name": "mine", "matches": true, "state": "Used"},
	]
	said := concat("; ", [
		"digest sha256:abc",
		"mine does not count: it was used, old-1 does not count: it is for another change, old-2 does not count: it is for an earlier gateway of this name and 1 more",
	])
	contains(message, said) with input as asked with input.approvals as others
}

test_says_that_the_author_cannot_be_told if {
	said := "none counts for one whose credential the API server does not know, as one who is impersonated"
	impersonated := json.patch(asked, [{"op": "remove", "path": "/request/user/credentialId"}])
	contains(message, said) with input as impersonated with input.approvals as [valid("bob")]
	not contains(message, said) with input as impersonated
}

held := json.patch(asked, [{"op": "replace", "path": "/request/operation", "value": "RELEASE"}])

test_says_how_to_release_what_is_held if {
	lacking == {
		"field": "spec.a",
		"message": "must be approved by somebody, as 1 -> false restarts every pod in c1, c2, is not; digest sha256:abc",
		"fix": "somebody else runs kubectl portcullis rollout -n istio-system edge --reason WHY",
	} with input as held
}

test_says_who_approved_what_is_held_though_nobody_asks if {
	one := {"name": "by-bob", "state": "Valid", "approvedBy": {"username": "bob", "credentialId": "b", "groups": []}}
	two := refusal.lacking("Restart", 2, "restart every pod") with input as held
		with input.approvals as [one]
		with input.request.user as {"username": "controller"}
	two.message == "must be approved by 2 people, as 1 -> false restarts every pod in c1, c2, is by bob alone; digest sha256:abc"
}
