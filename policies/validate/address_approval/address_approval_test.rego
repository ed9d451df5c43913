package validate.address_approval_test

import data.validate.address_approval

finding(field, message, fix) := {"code": "address_approval", "field": field, "message": message, "fix": fix}

ann := {"username": "ann", "credentialId": "X509SHA256=aa", "groups": ["dev"]}

# An update by ann that releases a gateway's addresses in two clusters.
update := {
	"request": {"operation": "UPDATE", "name": "edge", "namespace": "istio-system", "user": ann},
	"gateway": {"metadata": {"name": "edge", "namespace": "istio-system"}},
	"old": {"metadata": {"name": "edge", "namespace": "istio-system"}},
	"change": {
		"digest": "sha256:abc",
		"effects": {"Restart": [], "AddressLoss": ["c1", "c2"]},
		"changes": [{
			"path": "spec.serviceType",
			"before": "LoadBalancer", "after": "NodePort",
			"effects": ["AddressLoss"], "clusters": ["c1", "c2"],
		}],
	},
	"approvals": [],
}

deletion := json.patch(update, [
	{"op": "remove", "path": "/gateway"},
	{"op": "replace", "path": "/request/operation", "value": "DELETE"},
])

bob := {"name": "by-bob", "state": "Valid", "matches": true, "approvedBy": {"username": "bob", "credentialId": "b", "groups": []}}

unknown := finding(
	"spec",
	"must be a change of which it is known what addresses it releases, is not",
	"ask again; the guard was asked without the change",
)

test_refuses_an_empty_object if address_approval.deny == {unknown} with input as {}

test_refuses_what_is_not_known_to_keep_its_address if {
	address_approval.deny == {unknown} with input as object.remove(update, ["change"])
	address_approval.deny == {unknown} with input as json.remove(update, ["/change/effects"])
	address_approval.deny == {unknown} with input as json.remove(update, ["/change/effects/AddressLoss"])
	address_approval.deny == {unknown} with input as object.remove(deletion, ["change"])
}

test_judges_deletions_too if address_approval.judges == {"gateway", "deletion"}

test_accepts_a_new_gateway if {
	address_approval.deny == set() with input as {"request": {"operation": "CREATE"}, "gateway": {}}
}

test_accepts_a_change_that_keeps_the_address if {
	address_approval.deny == set() with input as update with input.change.effects.AddressLoss as []
}

test_refuses_a_release_that_nobody_approved if {
	address_approval.deny == {finding(
		"spec.serviceType",
		`must be approved by somebody other than ann, as "LoadBalancer" -> "NodePort" releases the load balancer's address in c1, c2, is not; digest sha256:abc`,
		"somebody else runs kubectl portcullis approve -n istio-system -f FILE --reason WHY; then do this again",
	)} with input as update
}

test_refuses_a_deletion_that_nobody_approved if {
	address_approval.deny == {finding(
		"metadata.name",
		"must be approved by somebody other than ann, as deleting it releases the load balancer's address in c1, c2, is not; digest sha256:abc",
		"somebody else runs kubectl portcullis approve -n istio-system --delete edge --reason WHY; then do this again",
	)} with input as deletion
}

test_accepts_what_somebody_else_approved if {
	every change in [update, deletion] {
		address_approval.deny == set() with input as change with input.approvals as [bob]
	}
}

test_accepts_the_deletion_of_what_is_on_its_way_out if {
	address_approval.deny == set() with input as deletion
		with input.old.metadata.deletionTimestamp as "2026-01-01T00:00:00Z"
}

test_accepts_the_deletion_of_what_has_no_load_balancer if {
	address_approval.deny == set() with input as deletion with input.change.effects.AddressLoss as []
}

test_refuses_a_release_with_too_few_approvals if {
	count(address_approval.deny) == 1 with input as update
		with input.approvals as [bob]
		with data.parameters.address_approval.approvers as 2
}
