package lib.virtual_test

import data.lib.gateway
import data.lib.virtual

label := {"key": "type", "operator": "In", "values": ["virtual-kubelet"]}

terms := [{"matchExpressions": [{"key": "mykey4pod", "operator": "In", "values": ["asmgateway"]}]}, {"matchExpressions": [label]}]

clusters := {
	"machines": {"facts": {"virtualNodes": "None"}},
	"mixed": {"facts": {"virtualNodes": "Some"}},
	"serverless": {"facts": {"virtualNodes": "All"}},
	"unknown": {"facts": {}},
	"unseen": {},
}

asks(spec) if virtual.asked with input.gateway.spec as spec

test_knows_nothing_of_an_empty_input if {
	not virtual.asked with input as {}
	virtual.serverless == set() with input as {}
	virtual.clusters == set() with input as {}
	virtual.required_terms == set() with input as {}
}

test_takes_a_cluster_for_serverless_only_where_it_is_known_to_be if {
	virtual.serverless == {"serverless"} with input.gateway.spec.clusterIds as object.keys(clusters)
		with input.clusters as clusters
}

test_is_asked_for_by_whatever_leads_to_virtual_nodes if {
	required := {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}
	preferred := {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 20, "preference": terms[1]}]}
	every spec in [
		{"nodeSelector": {"type": "virtual-kubelet"}},
		{"podLabels": {"alibabacloud.com/eci": "true"}},
		{"affinity": {"nodeAffinity": required}},
		{"affinity": {"nodeAffinity": preferred}},
	] {
		asks(spec)
	}
	virtual.asked with input.gateway.metadata.annotations as {gateway.managed_annotation: "true"}
}

test_is_not_asked_for_by_anything_else if {
	every spec in [
		{},
		{"nodeSelector": {"type": "machine"}},
		{"podLabels": {"alibabacloud.com/eci": "false"}},
		required({"key": "type", "operator": "NotIn", "values": ["virtual-kubelet"]}),
		required({"key": "type", "operator": "Exists"}),
		required({"key": "kind", "operator": "In", "values": ["virtual-kubelet"]}),
		required({"key": "type", "operator": "In", "values": ["machine"]}),
	] {
		not asks(spec)
	}
}

required(expression) := {"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [{"matchExpressions": [expression]}]}}}}

test_says_which_terms_are_required if {
	virtual.required_terms == {{"matchExpressions": [label]}} with input.gateway.spec as required(label)
}

test_leads_to_virtual_nodes_in_every_cluster_when_asked_for if {
	virtual.clusters == {"machines", "mixed"} with input.gateway.spec as {
		"clusterIds": ["machines", "mixed"],
		"nodeSelector": {"type": "virtual-kubelet"},
	}
		with input.clusters as clusters
}

test_leads_to_virtual_nodes_in_serverless_clusters_alone_when_not_asked_for if {
	virtual.clusters == {"serverless"} with input.gateway.spec.clusterIds as ["mixed", "serverless"]
		with input.clusters as clusters
}

test_takes_a_managed_gateway_for_one_in_the_managed_cluster if {
	virtual.clusters == {"asm"} with input as {
		"gateway": {"metadata": {"annotations": {gateway.managed_annotation: "true"}}},
		"clusters": {"asm": {"managed": true, "facts": {}}, "metrics": {"facts": {"virtualNodes": "All"}}},
	}
}
