package validate.name_test

import data.validate.name

given(text) := {"gateway": {"metadata": {"name": text}}}

of_length(n) := concat("", ["a" | some _ in numbers.range(1, n)])

too_long(room, generated, n) := {
	"code": "name",
	"field": "metadata.name",
	"message": sprintf("must be at most %d characters long for %s, is %d", [room, generated, n]),
	"fix": "choose a shorter name",
}

canary := {"asm.alibabacloud.com/enable-canary-deployment": "true"}

test_accepts_a_name_that_is_yet_to_be_made if {
	every input_ in [{}, {"gateway": {}}, {"gateway": {"metadata": {"generateName": "edge-"}}}] {
		name.deny == set() with input as input_
	}
}

test_accepts_the_samples if {
	every text in ["myexample-customingressgateway", "egressgateway", "ingressgateway", "ingressgateway-1", "virtual-nodes", "a", "canary", "canary-edge"] {
		name.deny == set() with input as given(text)
		name.deny == set() with input as given(text) with input.gateway.metadata.annotations as canary
	}
}

test_refuses_a_name_that_is_too_long_for_a_service if {
	name.deny == set() with input as given(of_length(57))
	name.deny == {too_long(57, "istio-<name>", 58)} with input as given(of_length(58))
	name.deny == {too_long(57, "istio-<name>", 253)} with input as given(of_length(253))
}

test_refuses_a_name_that_is_too_long_for_the_canary_that_is_asked_for if {
	name.deny == set() with input as given(of_length(50)) with input.gateway.metadata.annotations as canary
	name.deny == {too_long(50, "istio-<name>-canary", 51)} with input as given(of_length(51))
		with input.gateway.metadata.annotations as canary
	name.deny == set() with input as given(of_length(51))
		with input.gateway.metadata.annotations as {"asm.alibabacloud.com/enable-canary-deployment": "false"}
}

test_takes_the_longest_name_from_parameters if {
	name.deny == {too_long(4, "istio-<name>", 5)}
		with input as given("edges")
		with data.parameters.name.longest as 10
}

test_refuses_the_name_of_a_canary if {
	every other in ["edge", "edge-canary"] {
		text := sprintf("%s-canary", [other])
		name.deny == {{
			"code": "name",
			"field": "metadata.name",
			"message": sprintf("must not end in -canary, is %s: the canary of %s is called so", [text, other]),
			"fix": "create the gateway under another name, and remove this one when its traffic has moved",
		}} with input as given(text)
	}
}

test_refuses_dots if {
	name.deny == {{
		"code": "name",
		"field": "metadata.name",
		"message": "must be without dots for a Service to have it, is edge.v2",
		"fix": "use hyphens instead of dots",
	}} with input as given("edge.v2")
}

test_refuses_dots_only_where_they_are if {
	every text in ["edge-v2", "edgev2", "2"] {
		name.deny == set() with input as given(text)
	}
	every text in [".edge", "edge.", "a.b.c"] {
		count(name.deny) == 1 with input as given(text)
	}
}

test_says_all_that_is_wrong_at_once if {
	fields := {finding.fix | some finding in name.deny} with input as given(sprintf("%s.b-canary", [of_length(60)]))
	fields == {
		"choose a shorter name",
		"use hyphens instead of dots",
		"create the gateway under another name, and remove this one when its traffic has moved",
	}
}

shared := {"service": "istio-edge-private", "gateway": "istio-system/edge", "loadBalancer": "private", "clusters": ["c1", "c2"]}

test_refuses_the_name_of_another_gateways_load_balancer if {
	name.deny == set() with input as given("edge-private") with input.namesakes as []
	name.deny == {{
		"code": "name",
		"field": "metadata.name",
		"message": "must be another one in c1, c2, where gateway istio-system/edge has Service istio-edge-private for its load balancer private, is edge-private",
		"fix": "choose another name, or take that load balancer, with its address, out of annotation portcullis.dev/load-balancers of istio-system/edge",
	}} with input as given("edge-private") with input.namesakes as [shared]
}

test_refuses_the_name_of_each_of_several_load_balancers if {
	further := object.union(shared, {"gateway": "istio-system/edge-a", "clusters": ["c3"]})
	count(name.deny) == 2 with input as given("edge-a-b") with input.namesakes as [shared, further]
}
