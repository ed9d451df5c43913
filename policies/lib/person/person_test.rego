package lib.person_test

import data.lib.person

ann := {"username": "ann", "uid": "1", "credentialId": "X509SHA256=aa", "groups": ["dev"]}

test_knows_nobody_in_an_empty_object if {
	not person.same({}, {})
	not person.authentic({})
	not person.is_service_account({})
	not person.in_group(null, ["a"])
}

test_takes_one_name_for_one_person_however_it_is_written if {
	every name in ["ann", "ANN", "Ann", " ann "] { person.same(ann, {"username": name}) }
	not person.same(ann, {"username": "bob"})
}

test_takes_one_name_in_another_group_for_the_same_person if {
	person.same(ann, {"username": "ann", "groups": ["approvers"]})
}

test_takes_one_uid_for_one_person if {
	person.same(ann, {"username": "ann.renamed", "uid": "1"})
	not person.same(ann, {"username": "bob", "uid": "2"})
	not person.same({"username": "ann", "uid": ""}, {"username": "bob", "uid": ""})
}

test_tells_a_person_by_uid_and_by_name_without_one if {
	person.identity(ann) == "1"
	person.identity({"username": "Ann"}) == "ann"
	person.identity({"username": "Ann", "uid": ""}) == "ann"
}

test_knows_who_asks if {
	person.asker == ann with input.request.user as ann
	person.asker_in(["ops", "dev"]) with input.request.user as ann
	not person.asker_in(["ops"]) with input.request.user as ann
	person.asker == {} with input as {}
	not person.asker_in(["dev"]) with input as {}
}

test_finds_somebody_in_a_group if {
	person.in_group(["a", "b"], ["b", "c"])
	not person.in_group(["a"], ["b"])
	not person.in_group(["a"], [])
}

test_knows_programs if {
	person.is_service_account({"username": "system:serviceaccount:flux-system:flux"})
	not person.is_service_account(ann)
}

test_wants_a_credential if {
	person.authentic(ann)
	not person.authentic({"username": "ann"})
	not person.authentic({"username": "ann", "credentialId": ""})
}

test_wants_none_of_those_who_are_listed if {
	person.authentic({"username": "ann"}) with data.parameters.approval.withoutCredential as ["ann"]
	not person.authentic({"username": "bob"}) with data.parameters.approval.withoutCredential as ["ann"]
	person.authentic({"username": "bob"}) with data.parameters.approval.withoutCredential as ["*"]
}
