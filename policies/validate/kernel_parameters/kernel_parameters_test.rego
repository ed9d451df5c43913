package validate.kernel_parameters_test

import data.validate.kernel_parameters

finding(name, message, fix) := {
	"code": "kernel_parameters",
	"field": sprintf("spec.kernel.parameters.%s", [name]),
	"message": message,
	"fix": fix,
}

unknown(name) := finding(
	name,
	sprintf("must be one of the 18 supported kernel parameters, is %s", [name]),
	"remove it; kubectl explain istiogateway.spec.kernel.parameters lists them",
)

node_wide(name) := finding(
	name,
	"must be a parameter that a pod can set, is one of the whole node",
	"remove it, and set it on the nodes",
)

on_host(name) := finding(
	name,
	"must be absent on the host's network, is set: no pod would start, and new ones would be made without end",
	"remove it, or set spec.hostNetwork to false",
)

unsafe(name, exception) := finding(
	name,
	sprintf("must be allowed by the kubelets, is not by default%s", [exception]),
	sprintf("add %s to allowedUnsafeSysctls of the nodes' kubelets, or remove it", [name]),
)

with_parameters(names) := {"kernel": {"enabled": true, "parameters": {name: "1" | some name in names}}}

denied(names) := found if found := kernel_parameters.deny with input.gateway.spec as with_parameters(names)

# warned is what is said where all clusters run a version of Kubernetes.
warned(names, kubernetes) := found if {
	found := kernel_parameters.warn with input as {
		"gateway": {"spec": object.union(with_parameters(names), {"clusterIds": ["c1"]})},
		"clusters": {"c1": {"facts": {"kubernetesVersion": kubernetes}}},
	}
}

test_accepts_an_empty_object if {
	kernel_parameters.deny == set() with input as {}
	kernel_parameters.warn == set() with input as {}
}

test_supports_the_documented_parameters if count(data.parameters.kernel_parameters.supported) == 18

test_refuses_unknown_names if denied(["fs.file-max", "net.core.somaxcon"]) == {unknown("fs.file-max"), unknown("net.core.somaxcon")}

test_refuses_unknown_names_even_where_the_section_is_off if {
	off := {"kernel": {"enabled": false, "parameters": {"fs.file-max": "1"}}}
	kernel_parameters.deny == {unknown("fs.file-max")} with input.gateway.spec as off
	kernel_parameters.deny == {unknown("fs.file-max")} with input.gateway.spec.kernel.parameters as {"fs.file-max": "1"}
}

test_refuses_what_belongs_to_the_whole_node if {
	names := ["net.core.netdev_max_backlog", "net.ipv4.tcp_max_orphans", "kernel.printk", "vm.swappiness"]
	denied(names) == {node_wide(name) | some name in names}
	warned(names, "v1.36.3") == set()
}

# prepared is what is denied in two clusters, of which those that are listed allow a privileged init container.
prepared(spec, allowing) := found if {
	found := kernel_parameters.deny with input as {
		"gateway": {"spec": object.union(spec, {"clusterIds": ["c1", "c2"]})},
		"clusters": {id: {"mesh": mesh} |
			some id in ["c1", "c2"]
			mesh := {key: true | some key in ["privilegedInit"]; id in allowing}
		},
	}
}

test_accepts_it_where_every_cluster_allows_a_privileged_init_container if {
	spec := with_parameters(["vm.swappiness", "kernel.printk"])
	prepared(spec, ["c1", "c2"]) == set()
	every allowing in [[], ["c1"]] {
		prepared(spec, allowing) == {node_wide("vm.swappiness"), node_wide("kernel.printk")}
	}
}

off_host(name) := finding(
	name,
	"must be absent off the host's network, as it is one of that network alone, is set: no pod would start",
	"remove it, or set spec.hostNetwork to true",
)

test_accepts_those_of_the_nodes_network_on_it_alone if {
	names := ["net.core.netdev_max_backlog", "net.ipv4.tcp_max_orphans"]
	on_it := object.union(with_parameters(names), {"hostNetwork": true})
	prepared(on_it, ["c1", "c2"]) == set()
	prepared(on_it, ["c1"]) == {node_wide(name) | some name in names} | {on_host(name) | some name in names}
	prepared(with_parameters(names), ["c1", "c2"]) == {off_host(name) | some name in names}
	mixed := object.union(with_parameters(["net.core.somaxconn", "net.ipv4.tcp_max_orphans"]), {"hostNetwork": true})
	prepared(mixed, ["c1", "c2"]) == {on_host("net.core.somaxconn")}
}

test_judges_nothing_else_where_the_section_is_off if {
	off := {"kernel": {"enabled": false, "parameters": {"vm.swappiness": "1", "net.core.somaxconn": "1"}}, "hostNetwork": true}
	kernel_parameters.deny == set() with input.gateway.spec as off
	kernel_parameters.warn == set() with input.gateway.spec as off
}

test_refuses_the_network_parameters_on_the_hosts_network if {
	spec := object.union(with_parameters(["net.core.somaxconn", "net.ipv4.ip_local_port_range"]), {"hostNetwork": true})
	kernel_parameters.deny == {on_host("net.core.somaxconn"), on_host("net.ipv4.ip_local_port_range")} with input.gateway.spec as spec
}

test_accepts_them_on_the_pods_own_network if {
	spec := object.union(with_parameters(["net.core.somaxconn"]), {"hostNetwork": false})
	kernel_parameters.deny == set() with input.gateway.spec as spec
}

test_warns_of_what_kubelets_never_allow_unasked if {
	warned(["net.core.somaxconn"], "v1.36.3") == {unsafe("net.core.somaxconn", "")}
}

test_warns_of_what_older_kubelets_do_not_allow_unasked if {
	names := ["net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_rmem"]
	warned(names, "v1.32.0") == set()
	warned(names, "v1.31.9") == {unsafe("net.ipv4.tcp_rmem", " before Kubernetes 1.32")}
	warned(names, "v1.28.9-aliyun.1") == {
		unsafe("net.ipv4.tcp_rmem", " before Kubernetes 1.32"),
		unsafe("net.ipv4.tcp_fin_timeout", " before Kubernetes 1.29"),
	}
}

test_warns_where_the_kubelets_are_not_known if {
	kernel_parameters.warn == {unsafe("net.ipv4.tcp_rmem", " before Kubernetes 1.32")} with input as {
		"gateway": {"spec": object.union(with_parameters(["net.ipv4.tcp_rmem"]), {"clusterIds": ["c1", "c2"]})},
		"clusters": {"c1": {"facts": {"kubernetesVersion": "v1.36.3"}}, "c2": {}},
	}
}

test_says_nothing_of_what_all_kubelets_allow if warned(["net.ipv4.ip_local_port_range"], "v1.20") == set()
