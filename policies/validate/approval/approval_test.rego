package validate.approval_test

import data.validate.approval

bob := {"username": "bob", "uid": "7", "credentialId": "X509SHA256=bb", "groups": ["ops", "system:authenticated"]}

# An approval as bob makes it and the guard stamps it.
making := {
	"request": {"operation": "CREATE", "user": bob, "namespace": "istio-system"},
	"approval": {"spec": {
		"gatewayName": "edge",
		"gatewayUID": "u1",
		"digest": "sha256:abc",
		"changes": [{"path": "spec.runAsRoot"}],
		"reason": "agreed on Tuesday",
		"notBefore": "2026-11-25T12:00:00Z",
		"notAfter": "2026-11-26T12:00:00Z",
		"approvedBy": bob,
	}},
	"found": {"gatewayUID": "u1", "digest": "sha256:abc", "allowed": true, "reason": ""},
	"now": "2026-11-25T12:00:00Z",
}

changed(path, value) := json.patch(making, [{"op": "add", "path": path, "value": value}])

without(path) := json.patch(making, [{"op": "remove", "path": path}])

# What is refused of an approval, as a person reads it.
refused(given) := {sprintf("%s: %s", [denial.field, denial.message]) | some denial in denied} if {
	denied := approval.deny with input as given
}

test_refuses_an_empty_approval_for_all_that_it_lacks if {
	refused({"approval": {}}) == {
		"spec.approvedBy: must be allowed the verb approve on istiogateways of some name, is not: nobody",
		"spec.approvedBy: must be somebody who may approve, is nobody: it is by somebody whose credential the API server does not know, as one who is impersonated",
		"spec.approvedBy: must be who makes the approval, nobody, is not",
		"spec.changes: must be the changes that the approver saw, is empty",
		"spec.gatewayName: must be a gateway of the approval's namespace, is absent",
		"spec.notAfter: must be after notBefore and after now, is absent",
		"spec.reason: must say why the change may go in, is empty",
	}
}

test_judges_approvals_alone if approval.judges == {"approval"}

test_says_nothing_without_an_approval if refused({"gateway": {}}) == set()

test_judges_an_approval_beside_a_gateway if {
	refused(object.union(without("/approval/spec/reason"), {"gateway": {}})) == {"spec.reason: must say why the change may go in, is empty"}
}

test_accepts_an_approval if refused(making) == set()

test_names_itself_and_what_to_do if {
	approval.deny == {{
		"code": "approval",
		"field": "spec.gatewayName",
		"message": "must be a gateway of the approval's namespace, is edge",
		"fix": "list the gateways with kubectl get igw",
	}} with input as without("/found/gatewayUID")
}

test_refuses_another_gateway_of_the_name if {
	refused(changed("/approval/spec/gatewayUID", "u0")) == {"spec.gatewayUID: must be that of the gateway, u1, is u0"}
	refused(without("/approval/spec/gatewayUID")) == {"spec.gatewayUID: must be that of the gateway, u1, is absent"}
}

test_refuses_a_digest_of_something_else if {
	refused(changed("/approval/spec/digest", "sha256:def")) == {"spec.digest: must be that of spec.changes for this gateway, sha256:abc, is sha256:def"}
	refused(without("/approval/spec/digest")) == {"spec.digest: must be that of spec.changes for this gateway, sha256:abc, is absent"}
	refused(without("/found/digest")) == {"spec.digest: must be that of spec.changes for this gateway, unknown, is sha256:abc"}
}

test_refuses_to_approve_what_nobody_saw if {
	refused(changed("/approval/spec/changes", [])) == {"spec.changes: must be the changes that the approver saw, is empty"}
}

test_refuses_an_approver_without_the_verb if {
	refused(changed("/found/allowed", false)) == {"spec.approvedBy: must be allowed the verb approve on istiogateways edge, is not: bob"}
	refused(changed("/found", {"gatewayUID": "u1", "digest": "sha256:abc", "allowed": false, "reason": "no role"})) == {"spec.approvedBy: must be allowed the verb approve on istiogateways edge, is not: bob (no role)"}
}

test_refuses_an_approver_who_is_somebody_else if {
	every other in [
		changed("/approval/spec/approvedBy/username", "carl"),
		changed("/approval/spec/approvedBy/uid", "8"),
		changed("/approval/spec/approvedBy/credentialId", "X509SHA256=cc"),
		changed("/approval/spec/approvedBy/groups", ["admins"]),
		changed("/approval/spec/approvedBy/groups", []),
		without("/approval/spec/approvedBy/groups"),
		without("/approval/spec/approvedBy"),
	] {
		refused(other) == {"spec.approvedBy: must be who makes the approval, bob, is not"}
	}
}

test_refuses_somebody_who_may_approve_nothing if {
	count(refused(making)) == 1 with data.parameters.approval.groups as ["leads"]
	count(refused(making)) == 0 with data.parameters.approval.groups as ["leads", "ops"]
}

test_refuses_a_blank_reason if {
	refused(changed("/approval/spec/reason", " ")) == {"spec.reason: must say why the change may go in, is empty"}
}

test_refuses_a_window_that_is_none if {
	every ends in ["2026-11-25T12:00:00Z", "2026-11-25T11:00:00Z"] {
		refused(changed("/approval/spec/notAfter", ends)) == {sprintf("spec.notAfter: must be after notBefore and after now, is %s", [ends])}
	}
	refused(without("/approval/spec/notBefore")) == {"spec.notAfter: must be after notBefore and after now, is 2026-11-26T12:00:00Z"}
	past := json.patch(making, [
		{"op": "add", "path": "/approval/spec/notBefore", "value": "2026-11-20T12:00:00Z"},
		{"op": "add", "path": "/approval/spec/notAfter", "value": "2026-11-21T12:00:00Z"},
	])
	refused(past) == {"spec.notAfter: must be after notBefore and after now, is 2026-11-21T12:00:00Z"}
}

test_refuses_a_window_over_the_maximum if {
	refused(changed("/approval/spec/notAfter", "2026-12-02T12:00:00Z")) == set()
	refused(changed("/approval/spec/notAfter", "2026-12-02T12:00:01Z")) == {"spec.notAfter: must be at most 168h from now, is 2026-12-02T12:00:01Z"}
}
