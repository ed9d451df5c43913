package mutate.host_network_dns_test

import data.mutate.host_network_dns

policy := {"/spec/dnsPolicy": "ClusterFirstWithHostNet"}

test_fills_nothing_for_an_empty_input if host_network_dns.fill == {} with input as {}

test_fills_nothing_for_an_empty_gateway if host_network_dns.fill == {} with input.gateway as {}

test_fills_the_policy_on_the_nodes_network if {
	host_network_dns.fill == policy with input.gateway.spec as {"hostNetwork": true}
}

test_leaves_a_written_policy_to_the_engine_which_keeps_it if {
	host_network_dns.fill == policy with input.gateway.spec as {"hostNetwork": true, "dnsPolicy": "None"}
}

test_fills_nothing_off_the_nodes_network if {
	every other in [false, null, "true", {}] {
		host_network_dns.fill == {} with input.gateway.spec as {"hostNetwork": other}
	}
}

test_fills_the_policy_where_the_nodes_network_is_the_default if {
	host_network_dns.fill == policy with input.gateway.spec as {}
		with data.parameters.defaults.ingress as {"hostNetwork": true}
}

test_takes_what_is_written_over_the_default if {
	host_network_dns.fill == {} with input.gateway.spec as {"hostNetwork": false}
		with data.parameters.defaults.ingress as {"hostNetwork": true}
}

test_takes_the_policy_from_the_parameters if {
	host_network_dns.fill == {"/spec/dnsPolicy": "Default"} with input.gateway.spec as {"hostNetwork": true}
		with data.parameters.host_network_dns.dnsPolicy as "Default"
}
