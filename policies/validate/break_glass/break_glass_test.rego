package validate.break_glass_test

import data.validate.break_glass

finding(message, fix) := {
	"code": "break_glass",
	"field": "metadata.annotations.portcullis.dev/break-glass",
	"message": message,
	"fix": fix,
}

reason := {"portcullis.dev/break-glass": "the edge is down"}

# An update by ann, of the group, that restarts a gateway and releases its addresses.
update := {
	"request": {"operation": "UPDATE", "user": {"username": "ann", "groups": ["dev", "portcullis:break-glass"]}},
	"gateway": {"metadata": {"annotations": reason}},
	"old": {"metadata": {}},
	"change": {"effects": {"Restart": ["c1", "c2"], "AddressLoss": ["c1"]}},
}

outsider := finding("must be written by somebody of portcullis:break-glass, is by ann", "remove it, and ask for an approval")

test_says_nothing_of_an_empty_object if {
	break_glass.deny == set() with input as {}
	break_glass.warn == set() with input as {}
}

test_judges_deletions_too if break_glass.judges == {"gateway", "deletion"}

test_warns_loudly_of_what_it_lets_in if {
	break_glass.deny == set() with input as update
	break_glass.warn == {finding(
		"must be the exception, is used by ann for AddressLoss in c1 and Restart in c1, c2: the edge is down",
		"remove it when the emergency is over, and tell those who approve",
	)} with input as update
}

test_warns_of_nothing_where_it_lets_nothing_in if {
	break_glass.warn == set() with input as update with input.change.effects as {"Restart": [], "AddressLoss": []}
}

test_refuses_a_reason_from_anybody_else if {
	break_glass.deny == {outsider} with input as update with input.request.user.groups as ["dev"]
	break_glass.warn == set() with input as update with input.request.user.groups as ["dev"]
}

test_refuses_a_reason_from_nobody_knows_whom if {
	count(break_glass.deny) == 1 with input as object.remove(update, ["request"])
}

test_refuses_a_reason_from_anybody_else_on_a_new_gateway if {
	new := object.remove(update, ["old"])
	break_glass.deny == {outsider} with input as new with input.request.user.groups as []
	break_glass.deny == set() with input as new
}

test_refuses_an_empty_reason if {
	break_glass.deny == {finding("must say why no approval can be waited for, is empty", "write the reason, or remove it")} with input as update
		with input.gateway.metadata.annotations as {"portcullis.dev/break-glass": " "}
}

test_minds_no_reason_that_was_there if {
	break_glass.deny == set() with input as update
		with input.old.metadata.annotations as reason
		with input.request.user.groups as ["dev"]
	break_glass.warn == set() with input as update with input.old.metadata.annotations as reason
}

test_warns_of_a_deletion if {
	deletion := object.union(object.remove(update, ["gateway"]), {"old": {"metadata": {"annotations": reason}}})
	count(break_glass.warn) == 1 with input as deletion
	break_glass.deny == set() with input as deletion
	break_glass.warn == set() with input as deletion with input.request.user.groups as ["dev"]
}
