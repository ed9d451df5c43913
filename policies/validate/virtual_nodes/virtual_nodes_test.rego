package validate.virtual_nodes_test

import data.validate.virtual_nodes

on(kind, spec) := {
	"gateway": {"spec": object.union({"clusterIds": ["c1"]}, spec)},
	"clusters": {"c1": {"facts": {"virtualNodes": kind}}},
}

finding(field, message, fix) := {"code": "virtual_nodes", "field": field, "message": message, "fix": fix}

network := finding(
	"spec.hostNetwork",
	"must be false on virtual nodes, is true: there is no node whose network the pods could use",
	"set it to false; a Service of type LoadBalancer reaches the pods",
)

node_port(place) := finding(
	sprintf("%s.serviceType", [place]),
	"must be one of ClusterIP, LoadBalancer on virtual nodes, is NodePort",
	"choose one of them",
)

kernel(name) := finding(
	sprintf("spec.kernel.parameters.%s", [name]),
	"must be a parameter that virtual nodes take, is one of a whole node",
	"remove it",
)

port(i, target) := finding(
	sprintf("spec.ports[%d].targetPort", [i]),
	sprintf("must be free on virtual nodes, which use 111, 10250, 10255 themselves, is %d", [target]),
	"choose another target; the Service may keep its port",
)

crowded(list, number) := finding(
	sprintf("spec.%s", [list]),
	sprintf("must leave room for the proxy's 8 of 20 volumes on virtual nodes, is one of %d in all", [number]),
	"put several files into one ConfigMap or Secret",
)

refuses(wanted, asked) if virtual_nodes.deny == wanted with input as asked

volumes(number) := [{"name": sprintf("v%d", [i])} | some i in numbers.range(1, number)]

apart := {"affinity": {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 100}]}}}

tuned(enabled, parameters) := {"kernel": {"enabled": enabled, "parameters": parameters}}

test_judges_nothing_in_an_empty_input if refuses(set(), {})

test_judges_nothing_in_an_empty_gateway if refuses(set(), {"gateway": {}})

test_refuses_the_nodes_network if refuses({network}, on("All", {"hostNetwork": true}))

test_refuses_a_node_port if refuses({node_port("spec")}, on("All", {"serviceType": "NodePort"}))

test_refuses_a_type_that_nobody_knows if {
	unknown := object.union(node_port("spec"), {"message": "must be one of ClusterIP, LoadBalancer on virtual nodes, is ExternalName"})
	refuses({unknown}, on("All", {"serviceType": "ExternalName"}))
}

test_refuses_kernel_parameters_of_a_node if {
	parameters := {"kernel.printk": "4", "vm.swappiness": "0", "net.core.somaxconn": "1024"}
	refuses({kernel("kernel.printk"), kernel("vm.swappiness")}, on("All", tuned(true, parameters)))
}

test_takes_kernel_parameters_that_do_nothing if {
	refuses(set(), on("All", tuned(false, {"vm.swappiness": "0"})))
	refuses(set(), on("All", {"kernel": {"parameters": {"vm.swappiness": "0"}}}))
	refuses(set(), on("All", tuned(true, {"net.core.somaxconn": "1024"})))
}

test_refuses_targets_that_instances_use_themselves if {
	refuses({port(0, 111), port(1, 10250), port(2, 10255), port(3, 111)}, on("All", {"ports": [
		{"port": 80, "targetPort": 111},
		{"port": 10250, "targetPort": 0},
		{"port": 10255},
		{"port": 111, "targetPort": ""},
	]}))
}

test_takes_such_a_port_that_leads_elsewhere if {
	refuses(set(), on("All", {"ports": [{"port": 111, "targetPort": 8111}, {"port": 80, "targetPort": "http"}, {"port": 443}]}))
}

test_counts_all_volumes_of_a_pod if {
	refuses(set(), on("All", {"configVolumes": volumes(6), "secretVolumes": volumes(6)}))
	refuses({crowded("configVolumes", 13)}, on("All", {"configVolumes": volumes(7), "secretVolumes": volumes(6)}))
	refuses({crowded("secretVolumes", 13)}, on("All", {"secretVolumes": volumes(13)}))
}

test_refuses_anti_affinity_where_every_node_is_virtual if {
	refuses(
		{finding(
			"spec.affinity.podAntiAffinity",
			"must be absent where every node is virtual, as in c1, is set",
			"remove it, and list a vSwitch of each zone in the pod annotation k8s.aliyun.com/eci-vswitch",
		)},
		on("All", apart),
	)
}

test_takes_anti_affinity_where_there_are_machines if {
	refuses(set(), on("Some", object.union(apart, {"nodeSelector": {"type": "virtual-kubelet"}})))
	refuses(set(), on("All", {"affinity": {"podAntiAffinity": {}}}))
}

test_judges_whoever_asks_for_virtual_nodes_wherever_it_is if {
	every kind in ["None", "Some", "All", "unknown"] {
		refuses({network, node_port("spec")}, on(kind, {
			"hostNetwork": true,
			"serviceType": "NodePort",
			"podLabels": {"alibabacloud.com/eci": "true"},
		}))
	}
}

test_judges_nobody_else_where_machines_are_or_may_be if {
	every kind in ["None", "Some", "unknown"] {
		refuses(set(), on(kind, {
			"hostNetwork": true,
			"serviceType": "NodePort",
			"ports": [{"port": 111}],
			"configVolumes": volumes(13),
			"kernel": {"enabled": true, "parameters": {"vm.swappiness": "0"}},
			"affinity": apart.affinity,
		}))
	}
}

two(spec) := object.union(on("All", object.union({"clusterIds": ["c1", "c2"]}, spec)), {"clusters": {"c2": {"facts": {"virtualNodes": "None"}}}})

test_judges_the_type_that_holds_in_clusters_with_virtual_nodes if {
	refuses({node_port("spec.overrides.c1")}, two({"overrides": {"c1": {"serviceType": "NodePort"}}}))
	refuses(set(), two({"overrides": {"c2": {"serviceType": "NodePort"}}}))
	refuses(set(), two({"serviceType": "NodePort", "overrides": {"c1": {"serviceType": "ClusterIP"}}}))
	refuses({node_port("spec")}, two({"serviceType": "NodePort", "overrides": {"c2": {"serviceType": "ClusterIP"}}}))
}

test_leaves_to_managed_placement_what_it_refuses_itself if {
	asked := {
		"gateway": {
			"metadata": {"annotations": {"asm.alibabacloud.com/managed-by-asm": "true"}},
			"spec": {
				"hostNetwork": true,
				"serviceType": "NodePort",
				"configVolumes": volumes(13),
				"ports": [{"port": 111}],
			},
		},
		"clusters": {"asm": {"managed": true, "facts": {"virtualNodes": "All"}}},
	}
	refuses({port(0, 111)}, asked)
}

test_takes_what_consoles_and_samples_write if {
	written := {
		"autoCreateGatewayYaml": false,
		"disableContainerPortExposed": true,
		"dnsPolicy": "ClusterFirst",
		"externalTrafficPolicy": "Local",
		"hostNetwork": false,
		"maxReplicas": 1,
		"minReplicas": 1,
		"cpu": {},
		"compression": {},
		"kernel": {"parameters": {}},
		"readinessProbe": {},
		"ports": [
			{"name": "status-port", "port": 15020, "targetPort": 15020},
			{"name": "https", "port": 443, "targetPort": 0},
		],
		"runAsRoot": true,
		"serviceType": "LoadBalancer",
		"configVolumes": [{"name": "config-volume-lua", "configMapName": "lua-libs", "mountPath": "/var/lib/lua"}],
	}
	every kind in ["None", "Some", "All"] { refuses(set(), on(kind, written)) }
}

test_takes_its_lists_from_the_parameters if {
	virtual_nodes.deny == set() with input as on("All", {"ports": [{"port": 111}], "serviceType": "NodePort"})
		with data.parameters.virtual_nodes.ports as [80]
		with data.parameters.virtual_nodes.serviceTypes as ["NodePort"]
	virtual_nodes.deny == {kernel("kernel.printk")} with input as on("All", tuned(true, {"kernel.printk": "4", "vm.swappiness": "0"}))
		with data.parameters.virtual_nodes.kernelParameters as ["kernel.printk"]
	virtual_nodes.deny == set() with input as on("All", {"configVolumes": volumes(13)})
		with data.parameters.virtual_nodes.mostVolumes as 21
}

test_takes_null_for_absent if {
	refuses(set(), on("All", {"configVolumes": null, "ports": null, "kernel": null, "affinity": null, "hostNetwork": null}))
}
