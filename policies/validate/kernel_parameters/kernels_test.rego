package validate.kernel_parameters_test

import data.validate.kernel_parameters

al7 := "4.19.91-26.al7.x86_64"

al8 := "5.10.134-16.al8.x86_64"

el7 := "3.10.0-1160.el7.x86_64"

missing(name, clusters) := finding(
	name,
	sprintf("must exist in the kernels of every cluster, is missing in %s", [clusters]),
	"remove it",
)

partly_missing(name, clusters) := finding(
	name,
	sprintf("must exist in the kernels of all nodes, is missing on some of %s", [clusters]),
	"remove it, or keep the gateway off those nodes with spec.nodeSelector",
)

unknown_kernels(name, clusters) := finding(
	name,
	sprintf("must exist in the kernels of every cluster, is rare, and those of %s are not known", [clusters]),
	"remove it",
)

# on is a gateway with a parameter in clusters with some kernels.
on(name, kernels) := {
	"gateway": {"spec": object.union(with_parameters([name]), {"clusterIds": object.keys(kernels)})},
	"clusters": {id: {"facts": {"kernelVersions": versions}} | some id, versions in kernels},
}

# judged leaves out what is said of kubelets, which is another question.
judged(name, kernels) := {"deny": denials, "warn": warnings} if {
	denials := kernel_parameters.deny with input as on(name, kernels)
	warned_of := kernel_parameters.warn with input as on(name, kernels)
	warnings := {warning | some warning in warned_of; not contains(warning.message, "kubelets")}
}

nothing := {"deny": set(), "warn": set()}

test_accepts_a_parameter_that_every_kernel_has if {
	judged("net.ipv4.tcp_rmem", {"c1": [al7, al8], "c2": [al8]}) == nothing
	judged("net.core.somaxconn", {"c1": [el7]}) == nothing
}

test_refuses_a_parameter_that_is_newer_than_all_kernels_of_a_cluster if {
	judged("net.ipv4.tcp_rmem", {"c1": [al8], "c2": [el7], "c3": ["4.14.0", el7]}) == {
		"deny": {missing("net.ipv4.tcp_rmem", "c2, c3")},
		"warn": set(),
	}
}

test_refuses_a_parameter_that_is_gone_from_all_kernels_of_a_cluster if {
	judged("net.ipv4.tcp_tw_recycle", {"c1": [el7], "c2": [al8]}) == {
		"deny": {missing("net.ipv4.tcp_tw_recycle", "c2")},
		"warn": set(),
	}
}

test_refuses_a_parameter_that_only_other_builds_have if {
	judged("net.ipv4.tcp_tw_timeout", {"c1": [al7, al8]}) == nothing
	judged("net.ipv4.tcp_tw_timeout", {"c1": ["6.6.30-generic"], "c2": [al8]}) == {
		"deny": {missing("net.ipv4.tcp_tw_timeout", "c1")},
		"warn": set(),
	}
}

test_warns_of_a_parameter_that_some_nodes_lack if {
	judged("net.ipv4.tcp_rmem", {"c1": [el7, al8], "c2": [al8]}) == {
		"deny": set(),
		"warn": {partly_missing("net.ipv4.tcp_rmem", "c1")},
	}
}

test_warns_of_a_rare_parameter_where_kernels_are_not_known if {
	every name in ["net.ipv4.tcp_tw_recycle", "net.ipv4.tcp_tw_timeout"] {
		judged(name, {"c1": [], "c2": []}) == {"deny": set(), "warn": {unknown_kernels(name, "c1, c2")}}
	}
}

test_says_nothing_of_a_common_parameter_where_kernels_are_not_known if {
	judged("net.ipv4.tcp_rmem", {"c1": []}) == nothing
}

test_takes_a_kernel_without_a_version_for_one_that_lacks_it if {
	judged("net.ipv4.tcp_rmem", {"c1": ["custom"]}) == {"deny": {missing("net.ipv4.tcp_rmem", "c1")}, "warn": set()}
}
