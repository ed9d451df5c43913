package validate.restart_approval_test

import data.validate.restart_approval

finding(field, message, fix) := {"code": "restart_approval", "field": field, "message": message, "fix": fix}

ann := {"username": "ann", "credentialId": "X509SHA256=aa", "groups": ["dev"]}

restart := {
	"digest": "sha256:abc",
	"effects": {"Restart": ["c1"], "AddressLoss": []},
	"changes": [{"path": "spec.runAsRoot", "before": false, "after": true, "effects": ["Restart"], "clusters": ["c1"]}],
}

# An update by ann that restarts a gateway in one cluster.
update := {
	"request": {"operation": "UPDATE", "name": "edge", "namespace": "istio-system", "user": ann},
	"gateway": {"metadata": {"name": "edge", "namespace": "istio-system"}},
	"old": {"metadata": {"name": "edge", "namespace": "istio-system"}},
	"change": restart,
	"approvals": [],
	"now": "2026-11-25T12:00:00Z",
}

bob := {"name": "by-bob", "state": "Valid", "matches": true, "approvedBy": {"username": "bob", "credentialId": "b", "groups": []}}

denied := finding(
	"spec.runAsRoot",
	"must be approved by somebody other than ann, as false -> true restarts every pod in c1, is not; digest sha256:abc",
	"somebody else runs kubectl portcullis approve -n istio-system -f FILE --reason WHY; then do this again",
)

unknown := finding(
	"spec",
	"must be a change of which it is known what it restarts, is not",
	"ask again; the guard was asked without the change",
)

test_refuses_an_empty_object if restart_approval.deny == {unknown} with input as {}

test_refuses_an_update_of_which_nothing_is_known if {
	restart_approval.deny == {unknown} with input as object.remove(update, ["change"])
	restart_approval.deny == {unknown} with input as json.remove(update, ["/change/effects"])
	restart_approval.deny == {unknown} with input as json.remove(update, ["/change/effects/Restart"])
}

test_accepts_a_new_gateway if {
	restart_approval.deny == set() with input as {"request": {"operation": "CREATE"}, "gateway": update.gateway}
}

test_accepts_a_change_that_restarts_nothing if {
	restart_approval.deny == set() with input as update with input.change.effects.Restart as []
}

test_refuses_a_restart_that_nobody_approved if restart_approval.deny == {denied} with input as update

test_accepts_a_restart_that_somebody_else_approved if {
	restart_approval.deny == set() with input as update with input.approvals as [bob]
}

test_refuses_a_restart_with_too_few_approvals if {
	found := restart_approval.deny with input as update
		with input.approvals as [bob]
		with data.parameters.restart_approval.approvers as 2
	{denial.code | some denial in found} == {"restart_approval"}
}

freezes := [{"days": ["Wednesday"], "from": "08:00", "to": "18:00", "zone": "UTC"}]

frozen := finding(
	"spec.runAsRoot",
	"must wait until no freeze holds to restart every pod in c1, is in one: Wednesday 08:00 to 18:00 UTC",
	"do this again after the freeze; in an emergency, somebody of portcullis:break-glass breaks the glass with the annotation portcullis.dev/break-glass",
)

test_refuses_an_approved_restart_during_a_freeze if {
	restart_approval.deny == {frozen} with input as update
		with input.approvals as [bob]
		with data.parameters.restart_approval.freezes as freezes
}

test_releases_nothing_during_a_freeze_and_asks_nobody_to_do_anything if {
	found := restart_approval.deny with input as update
		with input.request.operation as "RELEASE"
		with input.approvals as [bob]
		with data.parameters.restart_approval.freezes as freezes
	{denial.fix | some denial in found} == {"wait; it goes by itself after the freeze, with the same approvals"}
}

test_says_all_at_once if {
	restart_approval.deny == {denied, frozen} with input as update with data.parameters.restart_approval.freezes as freezes
}

test_freezes_nothing_that_restarts_nothing if {
	restart_approval.deny == set() with input as update
		with input.change.effects.Restart as []
		with data.parameters.restart_approval.freezes as freezes
}

test_freezes_nothing_at_another_time if {
	restart_approval.deny == set() with input as update
		with input.now as "2026-11-25T18:00:00Z"
		with input.approvals as [bob]
		with data.parameters.restart_approval.freezes as freezes
}

test_lets_the_glass_be_broken_during_a_freeze if {
	restart_approval.deny == set() with input as update
		with input.request.user.groups as ["portcullis:break-glass"]
		with input.gateway.metadata.annotations as {"portcullis.dev/break-glass": "the edge is down"}
		with data.parameters.restart_approval.freezes as freezes
}

labelling := object.union(update, {"gateway": {"metadata": {"labels": {"environment": "test"}}}, "change": {"effects": {"Restart": []}}})

test_refuses_a_label_that_exempts if {
	restart_approval.deny == {finding(
		"metadata.labels",
		"must make no stored gateway exempt from approvals unless set by one of the groups in approval.exempt.labelledBy, is set by ann",
		"ask the platform team to set the label",
	)} with input as labelling with data.parameters.approval.exempt.labels as {"environment": "test"}
}

test_accepts_a_label_that_exempts_from_those_who_may_set_it if {
	restart_approval.deny == set() with input as labelling
		with data.parameters.approval.exempt.labels as {"environment": "test"}
		with data.parameters.approval.exempt.labelledBy as ["dev"]
}

test_accepts_a_label_that_was_there_or_is_on_a_new_gateway if {
	stored := object.union(labelling, {"old": labelling.gateway})
	restart_approval.deny == set() with input as stored
		with data.parameters.approval.exempt.labels as {"environment": "test"}
	new := object.union(object.remove(labelling, ["old"]), {"request": {"operation": "CREATE"}})
	restart_approval.deny == set() with input as new
		with data.parameters.approval.exempt.labels as {"environment": "test"}
}

test_accepts_a_label_that_exempts_from_nothing if restart_approval.deny == set() with input as labelling
