package mutate.serverless_affinity_test

import data.mutate.serverless_affinity

path := "/spec/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms"

filled := {path: [{"matchExpressions": [{"key": "type", "operator": "In", "values": ["virtual-kubelet"]}]}]}

kept := {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": filled[path]}}}

marked := {"podLabels": {"alibabacloud.com/eci": "true"}}

in_clusters(kinds, spec) := {
	"gateway": {"spec": object.union({"clusterIds": object.keys(kinds)}, spec)},
	"clusters": {id: {"facts": {"virtualNodes": kind}} | some id, kind in kinds},
}

mixed(spec) := in_clusters({"c1": "Some"}, spec)

test_fills_nothing_for_an_empty_input if serverless_affinity.fill == {} with input as {}

test_fills_nothing_for_an_empty_gateway if serverless_affinity.fill == {} with input.gateway as {}

test_keeps_a_gateway_with_the_instance_label_on_virtual_nodes if {
	serverless_affinity.fill == filled with input as mixed(marked)
}

test_keeps_a_managed_gateway_on_virtual_nodes if {
	serverless_affinity.fill == filled with input as {
		"gateway": {"metadata": {"annotations": {"asm.alibabacloud.com/managed-by-asm": "true"}}},
		"clusters": {"asm": {"managed": true, "facts": {"virtualNodes": "Some"}}},
	}
}

test_takes_empty_structures_for_absent if {
	every affinity in [{}, {"nodeAffinity": {}}] {
		serverless_affinity.fill == filled with input as mixed(object.union(marked, {"affinity": affinity}))
	}
}

test_stands_beside_a_pod_affinity if {
	spec := object.union(marked, {"affinity": {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": []}}})
	serverless_affinity.fill == filled with input as mixed(spec)
}

test_leaves_a_gateway_alone_that_is_not_marked if {
	every spec in [{}, {"podLabels": {}}, {"podLabels": {"alibabacloud.com/eci": "false"}}] {
		serverless_affinity.fill == {} with input as mixed(spec)
	}
}

test_leaves_a_gateway_alone_whose_author_chose_nodes if {
	chosen := {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 1}]}
	every spec in [{"nodeSelector": {"type": "machine"}}, {"affinity": {"nodeAffinity": chosen}}] {
		serverless_affinity.fill == {} with input as mixed(object.union(marked, spec))
	}
}

test_fills_where_every_cluster_has_virtual_nodes_and_one_has_machines_too if {
	serverless_affinity.fill == filled with input as in_clusters({"c1": "Some", "c2": "All"}, marked)
}

test_fills_nothing_where_nodes_are_all_virtual_or_not_known_to_be if {
	every kinds in [{"c1": "All"}, {"c1": "Some", "c2": "None"}, {"c1": "Some", "c2": "Perhaps"}, {}] {
		serverless_affinity.fill == {} with input as in_clusters(kinds, marked)
	}
	serverless_affinity.fill == {} with input as mixed(object.union(marked, {"clusterIds": ["c1", "c2"]}))
	serverless_affinity.fill == {} with input as mixed(marked)
		with input.clusters.c1.facts as {}
}

test_does_not_restart_a_gateway_that_runs_without if {
	serverless_affinity.fill == {} with input as mixed(marked)
		with input.old as {"spec": marked}
}

test_fills_when_an_edit_marks_the_gateway if {
	serverless_affinity.fill == filled with input as mixed(marked)
		with input.old as {"spec": {}}
}

test_fills_again_what_a_replaced_manifest_leaves_out if {
	serverless_affinity.fill == filled with input as mixed(marked)
		with input.old as {"spec": object.union(marked, {"affinity": kept})}
}
