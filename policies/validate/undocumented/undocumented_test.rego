package validate.undocumented_test

import data.validate.undocumented

unread(field, instead) := {
	"code": "undocumented",
	"field": sprintf("spec.%s", [field]),
	"message": "must be absent, is set: nothing reads it",
	"fix": instead,
}

warns(wanted, spec) if undocumented.warn == wanted with input.gateway.spec as spec

test_warns_of_nothing_in_an_empty_input if undocumented.warn == set() with input as {}

test_warns_of_each_field_that_nothing_reads if {
	warns({unread("sds", "remove it; certificates come by SDS always")}, {"sds": {"enabled": true}})
	warns({unread("meshExpansionPorts", "list the ports under spec.ports")}, {"meshExpansionPorts": [{"port": 15011}]})
	warns({unread("applicationPorts", "remove it")}, {"applicationPorts": "8080"})
	warns({unread("requestedNetworkView", "remove it")}, {"requestedNetworkView": "network1"})
}

test_warns_of_all_of_them_at_once if {
	fields := {"spec.sds", "spec.applicationPorts"}
	fields == {warning.field | some warning in undocumented.warn} with input.gateway.spec as {
		"sds": {"enabled": false},
		"applicationPorts": "8080",
		"replicaCount": 1,
	}
}

test_takes_what_says_nothing if {
	warns(set(), {"sds": {}, "meshExpansionPorts": [], "applicationPorts": "", "requestedNetworkView": null})
	warns(set(), {"sds": {"resources": {}}})
}

test_warns_of_no_other_field if {
	warns(set(), {"cpu": {}, "compression": {}, "kernel": {"parameters": {}}, "loadBalancerIP": "192.0.2.1", "readinessProbe": {}})
}

test_takes_the_fields_from_the_parameters if {
	undocumented.warn == {unread("loadBalancerIP", "ask the network team")} with input.gateway.spec as {"loadBalancerIP": "192.0.2.1"}
		with data.parameters.undocumented.unread as {"loadBalancerIP": "ask the network team"}
}
