package lib.approval_test

import data.lib.approval

ann := {"username": "ann", "credentialId": "X509SHA256=aa", "groups": ["dev"]}

by(name) := {"username": name, "credentialId": sprintf("X509SHA256=%s", [name]), "groups": ["ops"]}

# A change of a stored gateway that restarts it in one cluster, by ann.
restarting(approvals) := {
	"request": {"operation": "UPDATE", "user": ann},
	"gateway": {"metadata": {"name": "edge", "namespace": "istio-system"}},
	"old": {"metadata": {"name": "edge", "namespace": "istio-system"}},
	"change": {"effects": {"Restart": ["c1"], "AddressLoss": []}},
	"approvals": approvals,
}

valid(name) := {"name": sprintf("by-%s", [name]), "state": "Valid", "approvedBy": by(name)}

test_lacks_nothing_in_an_empty_object if not approval.lacks("Restart", 1) with input as {}

test_lacks_nothing_where_nothing_happens if {
	not approval.lacks("AddressLoss", 1) with input as restarting([])
}

test_lacks_an_approval if approval.lacks("Restart", 1) with input as restarting([])

test_lacks_one_where_nobody_knows_who_asks if {
	approval.lacks("Restart", 1) with input as object.remove(restarting([valid("bob")]), ["request"])
}

test_lacks_one_where_nobody_looked_for_any if {
	approval.lacks("Restart", 1) with input as object.remove(restarting([]), ["approvals"])
}

test_is_satisfied_by_somebody_else if not approval.lacks("Restart", 1) with input as restarting([valid("bob")])

test_needs_none_where_none_is_asked_for if not approval.lacks("Restart", 0) with input as restarting([])

test_is_not_satisfied_by_the_author if {
	approval.lacks("Restart", 1) with input as restarting([valid("ann")])
	approval.lacks("Restart", 1) with input as restarting([valid("ANN")])
	other := {"name": "a", "state": "Valid", "approvedBy": object.union(ann, {"credentialId": "other", "groups": ["ops"]})}
	approval.lacks("Restart", 1) with input as restarting([other])
}

test_counts_people_not_approvals if {
	one := valid("bob")
	again := object.union(one, {"name": "again"})
	spelt := object.union(valid("BOB"), {"name": "spelt"})
	approval.lacks("Restart", 2) with input as restarting([one, again, spelt])
	not approval.lacks("Restart", 2) with input as restarting([one, valid("carl")])
	approval.lacks("Restart", 3) with input as restarting([one, valid("carl")])
}

test_takes_one_account_under_two_names_for_one if {
	two := [object.union(valid(name), {"approvedBy": object.union(by(name), {"uid": "7"})}) | some name in ["bob", "robert"]]
	approval.lacks("Restart", 2) with input as restarting(two)
	not approval.lacks("Restart", 1) with input as restarting(two)
}

test_takes_one_name_of_two_accounts_for_one if {
	two := [object.union(valid("bob"), {"name": uid, "approvedBy": object.union(by("bob"), {"uid": uid})}) | some uid in ["7", "8"]]
	approval.lacks("Restart", 2) with input as restarting(two)
}

test_counts_for_nobody_whose_credential_is_not_known if {
	asked := restarting([valid("bob")])
	impersonated := json.patch(asked, [{"op": "remove", "path": "/request/user/credentialId"}])
	approval.lacks("Restart", 1) with input as impersonated
	not approval.lacks("Restart", 1) with input as impersonated with data.parameters.approval.withoutCredential as ["ann"]
}

test_lacks_nothing_on_its_way_out if {
	not approval.lacks("Restart", 1) with input as restarting([])
		with input.old.metadata.deletionTimestamp as "2026-01-01T00:00:00Z"
}

excluded(change) := why if {
	why := approval.excluded(object.union(valid("bob"), change)) with input as restarting([])
}

test_says_why_an_approval_does_not_count if {
	excluded({"state": "Used"}) == "it was used"
	excluded({"state": "Expired"}) == "it has expired"
	excluded({"state": "NotYetValid"}) == "it does not hold yet"
	excluded({"state": "OtherChange"}) == "it is for another change"
	excluded({"state": "OtherGateway"}) == "it is for an earlier gateway of this name"
	excluded({"state": "Whatever"}) == "it is of a kind that this guard does not know"
	excluded({"state": null}) == "it is of a kind that this guard does not know"
	excluded({"approvedBy": ann}) == "it is by the author of the change"
	not excluded({})
}

test_says_so_when_it_is_by_nobody if {
	approval.excluded({"state": "Valid"}) == "it does not say by whom it is" with input as restarting([])
	approval.excluded({"state": "Valid", "approvedBy": {}}) == "it does not say by whom it is" with input as restarting([])
}

test_says_who_may_approve_nothing if {
	robot := {"approvedBy": by("system:serviceaccount:a:b")}
	excluded(robot) == "it is by a service account"
	not excluded(robot) with data.parameters.approval.serviceAccounts as true
	unknown := {"approvedBy": {"username": "bob", "credentialId": ""}}
	excluded(unknown) == "it is by somebody whose credential the API server does not know, as one who is impersonated"
	not excluded(unknown) with data.parameters.approval.withoutCredential as ["*"]
	excluded({}) == "it is by somebody outside leads, sre" with data.parameters.approval.groups as ["sre", "leads"]
	not excluded({}) with data.parameters.approval.groups as ["ops"]
}

test_takes_one_without_groups_for_an_outsider if {
	nowhere := {"state": "Valid", "approvedBy": object.remove(by("bob"), ["groups"])}
	approval.excluded(nowhere) == "it is by somebody outside ops" with input as restarting([])
		with data.parameters.approval.groups as ["ops"]
}

test_needs_none_in_an_exempt_namespace if {
	not approval.lacks("Restart", 1) with input as restarting([])
		with data.parameters.approval.exempt.namespaces as ["istio-system"]
	approval.lacks("Restart", 1) with input as restarting([])
		with data.parameters.approval.exempt.namespaces as ["elsewhere"]
}

test_needs_none_with_an_exempt_label_that_is_stored if {
	labelled := {"metadata": {"name": "edge", "labels": {"environment": "test"}}}
	exempt := {"environment": "test"}
	not approval.lacks("Restart", 1) with input as restarting([])
		with input.old as labelled
		with data.parameters.approval.exempt.labels as exempt
	approval.lacks("Restart", 1) with input as restarting([])
		with input.gateway as labelled
		with data.parameters.approval.exempt.labels as exempt
	approval.lacks("Restart", 1) with input as restarting([])
		with input.old as labelled
		with data.parameters.approval.exempt.labels as {"environment": "dev"}
}

breaking(reason) := json.patch(restarting([]), [
	{"op": "add", "path": "/gateway/metadata/annotations", "value": {approval.break_glass_annotation: reason}},
	{"op": "replace", "path": "/request/user/groups", "value": ["dev", "portcullis:break-glass"]},
])

test_needs_none_when_the_glass_is_broken if {
	not approval.lacks("Restart", 1) with input as breaking("the edge is down")
}

test_needs_one_without_a_reason_or_the_group if {
	every reason in ["", "  "] { approval.lacks("Restart", 1) with input as breaking(reason) }
	approval.lacks("Restart", 1) with input as breaking("the edge is down") with input.request.user.groups as ["dev"]
	approval.lacks("Restart", 1) with input as breaking("the edge is down") with data.parameters.break_glass.groups as []
}

test_wants_a_new_reason_for_each_change if {
	again := json.patch(breaking("the edge is down"), [{
		"op": "add", "path": "/old/metadata/annotations",
		"value": {approval.break_glass_annotation: "the edge is down"},
	}])
	approval.lacks("Restart", 1) with input as again
	not approval.lacks("Restart", 1) with input as json.patch(again, [{
		"op": "replace", "path": "/gateway/metadata/annotations",
		"value": {approval.break_glass_annotation: "it is down again"},
	}])
}

test_takes_the_stored_reason_for_a_deletion if {
	deletion := {
		"request": {"operation": "DELETE", "user": object.union(ann, {"groups": ["portcullis:break-glass"]})},
		"old": {"metadata": {"annotations": {approval.break_glass_annotation: "moved away"}}},
		"change": {"effects": {"AddressLoss": ["c1"]}},
	}
	not approval.lacks("AddressLoss", 1) with input as deletion
	approval.lacks("AddressLoss", 1) with input as deletion with input.request.user.groups as []
	approval.lacks("AddressLoss", 1) with input as deletion with input.old.metadata.annotations as {}
}

test_counts_no_approval_without_a_state if {
	approval.lacks("Restart", 1) with input as restarting([object.remove(valid("bob"), ["state"])])
}

test_lets_nobody_without_a_name_use_an_approval if {
	not approval.lacks("Restart", 1) with input as restarting([valid("bob")])
	approval.lacks("Restart", 1) with input as json.remove(restarting([valid("bob")]), ["/request/user/username"])
	approval.lacks("Restart", 1) with input as restarting([valid("bob")]) with input.request.user.username as " "
}

# What the controller holds is nobody's change, so nobody needs a credential to have it.
released(approvals) := json.patch(restarting(approvals), [
	{"op": "replace", "path": "/request", "value": {"operation": "RELEASE", "user": {"username": "system:serviceaccount:p:c"}}},
])

test_releases_by_as_many_as_are_needed if {
	approval.lacks("Restart", 1) with input as released([])
	not approval.lacks("Restart", 1) with input as released([valid("bob")])
	approval.lacks("Restart", 2) with input as released([valid("bob")])
	not approval.lacks("Restart", 2) with input as released([valid("bob"), valid("carl")])
}

test_releases_by_nobody_who_may_not_approve if {
	approval.lacks("Restart", 1) with input as released([object.union(valid("bob"), {"state": "Used"})])
	approval.lacks("Restart", 1) with input as released([valid("bob")]) with data.parameters.approval.groups as ["sre"]
	approval.lacks("Restart", 1) with input as released([valid("system:serviceaccount:p:c")])
}
