package mutate.defaults_test

import data.mutate.defaults

documented := {
	"gatewayType": "ingress",
	"serviceType": "LoadBalancer",
	"externalTrafficPolicy": "Cluster",
	"replicaCount": 1,
	"resources": {"requests": {"cpu": "200m", "memory": "256Mi"}, "limits": {"cpu": "2", "memory": "2G"}},
	"rollingMaxSurge": "100%",
	"rollingMaxUnavailable": "25%",
	"dnsPolicy": "ClusterFirst",
	"hostNetwork": false,
	"kernel": {"enabled": false},
}

filled(spec) := fill if fill := defaults.fill with input.gateway.spec as spec

test_fills_an_empty_object_with_what_is_documented if defaults.fill == {"/spec": documented} with input as {}

test_fills_an_empty_spec_with_what_is_documented if filled({}) == {"/spec": documented}

test_fills_whatever_is_written_where_a_spec_would_have_to_be if {
	every other in [null, "", []] { filled(other) == {"/spec": documented} }
}

test_leaves_resources_alone_that_say_something if {
	filled({"resources": {"limits": {"cpu": "1"}}}) == {"/spec": object.remove(documented, ["resources"])}
}

test_fills_resources_that_say_nothing if {
	every nothing in [{}, {"limits": {}}, {"limits": {}, "requests": {}}] {
		filled({"resources": nothing}) == {"/spec": documented}
	}
}

test_fills_no_traffic_policy_where_no_traffic_comes_from_outside if {
	closed := {"/spec": object.remove(documented, ["externalTrafficPolicy"])}
	filled({"serviceType": "ClusterIP"}) == closed
	egress := {"/spec": object.union(closed["/spec"], {"gatewayType": "egress"})}
	filled({"gatewayType": "egress"}) == egress
}

test_fills_a_traffic_policy_for_node_ports if filled({"serviceType": "NodePort"}) == {"/spec": documented}

test_leaves_the_dns_policy_to_another_rule_on_the_hosts_network if {
	filled({"hostNetwork": true}) == {"/spec": object.remove(documented, ["dnsPolicy"])}
}

test_fills_no_compression_where_there_is_none if not filled({})["/spec/compression/enabled"]

test_fills_what_is_absent_inside_compression if {
	filled({"compression": {}}) == {
		"/spec": documented,
		"/spec/compression/enabled": false,
		"/spec/compression/min_content_length": 30,
		"/spec/compression/disable_on_etag_header": false,
		"/spec/compression/remove_accept_encoding_header": false,
	}
}

test_fills_what_is_absent_inside_gzip if {
	filled({"compression": {"enabled": true, "gzip": {}}}) == {
		"/spec": documented,
		"/spec/compression/enabled": false,
		"/spec/compression/min_content_length": 30,
		"/spec/compression/disable_on_etag_header": false,
		"/spec/compression/remove_accept_encoding_header": false,
		"/spec/compression/gzip/memory_level": 5,
		"/spec/compression/gzip/compression_level": "DEFAULT_COMPRESSION",
		"/spec/compression/gzip/compression_strategy": "DEFAULT_STRATEGY",
		"/spec/compression/gzip/window_bits": 12,
		"/spec/compression/gzip/chunk_size": 4096,
	}
}

test_fills_inside_an_object_that_a_platform_team_makes if {
	own := {"compression": {"enabled": true, "min_content_length": 1000}}
	filled({}) == {
		"/spec": object.union(documented, own),
		"/spec/compression/disable_on_etag_header": false,
		"/spec/compression/remove_accept_encoding_header": false,
	} with data.parameters.defaults.ingress as object.union(data.parameters.defaults.ingress, own)
}

test_prefers_the_defaults_of_a_platform_team if {
	own := {"replicaCount": 2, "podLabels": {"team": "edge"}}
	filled({}) == {"/spec": object.union(documented, own)} with data.parameters.defaults.ingress as object.union(
		data.parameters.defaults.ingress,
		own,
	)
}

test_keeps_defaults_of_the_other_type_apart if {
	filled({}) == {"/spec": documented} with data.parameters.defaults.egress as {"replicaCount": 2}
}

test_takes_the_type_that_a_platform_team_makes_the_default if {
	egress := object.union(object.remove(documented, ["externalTrafficPolicy"]), {"gatewayType": "egress", "replicaCount": 2})
	filled({}) == {"/spec": egress} with data.parameters.defaults.all.gatewayType as "egress"
		with data.parameters.defaults.egress as {"replicaCount": 2, "gatewayType": "ingress"}
}

test_withholds_by_the_defaults_of_a_platform_team_too if {
	own := {"serviceType": "ClusterIP", "hostNetwork": true}
	rest := object.remove(documented, ["externalTrafficPolicy", "dnsPolicy"])
	filled({}) == {"/spec": object.union(rest, own)} with data.parameters.defaults.ingress as object.union(
		data.parameters.defaults.ingress,
		own,
	)
}

test_fills_what_every_cluster_of_the_gateway_states_alike if {
	clusters := {
		"c1": {"replicaCount": 2, "loadBalancerClass": "alibabacloud.com/nlb"},
		"c2": {"replicaCount": 3, "loadBalancerClass": "alibabacloud.com/nlb"},
		"c3": {"loadBalancerClass": "other"},
	}
	own := {"loadBalancerClass": "alibabacloud.com/nlb"}
	filled({"clusterIds": ["c1", "c2"]}) == {"/spec": object.union(documented, own)} with data.parameters.defaults.clusters as clusters
}

test_fills_nothing_of_clusters_where_one_states_nothing if {
	clusters := {"c1": {"replicaCount": 2}}
	filled({"clusterIds": ["c1", "c2"]}) == {"/spec": documented} with data.parameters.defaults.clusters as clusters
}

test_fills_the_clusters_that_a_platform_team_makes_the_default if {
	own := {"clusterIds": ["c1"]}
	filled({}) == {"/spec": object.union_n([documented, own, {"replicaCount": 2}])} with data.parameters.defaults.all as object.union(
		data.parameters.defaults.all,
		own,
	)
		with data.parameters.defaults.clusters as {"c1": {"replicaCount": 2, "clusterIds": ["c9"], "gatewayType": "egress"}}
}

test_fills_no_clusters_into_a_managed_gateway if {
	defaults.fill == {"/spec": object.union(documented, {"replicaCount": 2})} with input as {
		"gateway": {"metadata": {"annotations": {"asm.alibabacloud.com/managed-by-asm": "true"}}},
		"clusters": {"asm": {"managed": true}, "c1": {"managed": false}},
	}
		with data.parameters.defaults.all as object.union(data.parameters.defaults.all, {"clusterIds": ["c1"]})
		with data.parameters.defaults.clusters as {"asm": {"replicaCount": 2}, "c1": {"replicaCount": 3}}
}

test_fills_a_list_that_is_absent_and_leaves_one_that_is_written if {
	all := object.union(data.parameters.defaults.all, {"ports": [{"port": 80}]})
	filled({}) == {"/spec": object.union(documented, {"ports": [{"port": 80}]})} with data.parameters.defaults.all as all
	filled({"ports": []}) == {"/spec": documented} with data.parameters.defaults.all as all
	filled({"ports": [{"port": 443}]}) == {"/spec": documented} with data.parameters.defaults.all as all
}
