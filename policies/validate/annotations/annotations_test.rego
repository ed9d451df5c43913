package validate.annotations_test

import data.validate.annotations

finding(key, message, fix) := {"code": "annotations", "field": concat(".", ["metadata.annotations", key]), "message": message, "fix": fix}

denied(written) := found if {
	found := annotations.deny with input as {"gateway": {
		"metadata": {"annotations": written},
		"spec": {"clusterIds": ["c1", "c2"]},
	}}
}

test_says_nothing_of_an_empty_object if annotations.deny == set() with input as {}

test_accepts_the_words_that_mean_something if {
	every written in [
		{"portcullis.dev/deletion-policy": "RetainService"},
		{"portcullis.dev/adopt": "Take"},
		{"portcullis.dev/paused": "true"},
		{"portcullis.dev/paused": "false"},
		{"portcullis.dev/paused": "c1, c2"},
		{"portcullis.dev/tls-hosts": "a.example.com", "cert-manager.io/issuer": "ours"},
		{"portcullis.dev/tls-hosts": "a.example.com", "cert-manager.io/cluster-issuer": "ours"},
		{"example.com/other": "anything"},
	] {
		denied(written) == set()
	}
}

test_refuses_other_words if {
	denied({"portcullis.dev/deletion-policy": "retain"}) == {finding(
		"portcullis.dev/deletion-policy",
		"must be one of Delete, Retain, RetainService, is retain",
		"write it like that, or remove the annotation",
	)}
	denied({"portcullis.dev/adopt": "yes"}) == {finding(
		"portcullis.dev/adopt",
		"must be one of DryRun, Take, is yes",
		"write it like that, or remove the annotation",
	)}
}

test_refuses_a_pause_of_what_the_gateway_is_not_in if {
	denied({"portcullis.dev/paused": "c1,c3"}) == {finding(
		"portcullis.dev/paused",
		"must be true or IDs of the gateway's clusters, is c3",
		"write the IDs as spec.clusterIds has them, separated by commas",
	)}
}

test_refuses_hosts_without_an_issuer if {
	denied({"portcullis.dev/tls-hosts": "a.example.com"}) == {finding(
		"portcullis.dev/tls-hosts",
		"must come with the name of an issuer, comes alone",
		"set the annotation cert-manager.io/issuer or cert-manager.io/cluster-issuer",
	)}
}

test_warns_of_keys_that_nobody_reads if {
	known := concat(", ", data.parameters.annotations.known)
	input_ := {"gateway": {"metadata": {"annotations": {"portcullis.dev/load-balancer": "[]", "portcullis.dev/paused": "true", "other.example.com/a": "b"}}}}
	annotations.warn == {finding(
		"portcullis.dev/load-balancer",
		sprintf("must be one that means something, as %s do, means nothing", [known]),
		"write its key like that, or remove it",
	)} with input as input_
}

test_takes_the_words_from_the_parameters if {
	count(denied({"portcullis.dev/adopt": "Take"})) == 1 with data.parameters.annotations.values as {"portcullis.dev/adopt": ["DryRun"]}
}
