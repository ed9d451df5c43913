package mutate.zone_spread_test

import data.mutate.zone_spread

spread := {"preferredDuringSchedulingIgnoredDuringExecution": [term("kubernetes.io/hostname"), term("topology.kubernetes.io/zone")]}

term(topology) := {"weight": 100, "podAffinityTerm": {
	"labelSelector": {"matchLabels": {"app": "istio-edge"}},
	"topologyKey": topology,
}}

filled := {"/spec/affinity/podAntiAffinity": spread}

placed(spec, effective, kind) := {
	"gateway": {"metadata": {"name": "edge"}, "spec": object.union({"clusterIds": ["c1"]}, spec)},
	"clusters": {"c1": {"effective": effective, "facts": {"virtualNodes": kind}}},
}

pair := placed({}, {"replicaCount": 2}, "None")

single := placed({}, {"replicaCount": 1}, "None")

answers(wanted, asked) if {
	zone_spread.fill == wanted with input as asked
		with data.parameters.zone_spread.enabled as true
}

test_fills_nothing_for_an_empty_input if answers({}, {})

test_fills_nothing_for_an_empty_gateway if answers({}, {"gateway": {}})

test_is_off_by_default if zone_spread.fill == {} with input as pair

test_spreads_two_pods_over_hosts_and_zones if answers(filled, pair)

test_spreads_pods_that_an_autoscaler_may_make if {
	scaled := {"replicaCount": 1, "maxReplicas": 5, "cpu": {"targetAverageUtilization": 80}}
	answers(filled, placed({}, scaled, "Some"))
}

test_leaves_a_single_pod_alone if {
	answers({}, single)
	console := {"replicaCount": 1, "minReplicas": 1, "maxReplicas": 1, "cpu": {}}
	answers({}, placed({"cpu": {}, "maxReplicas": 1, "minReplicas": 1}, console, "None"))
}

test_takes_an_empty_affinity_for_absent if {
	every affinity in [{}, {"podAntiAffinity": {}}] {
		answers(filled, placed({"affinity": affinity}, {"replicaCount": 2}, "None"))
	}
}

test_leaves_any_affinity_alone if {
	every affinity in [
		{"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 1}]}},
		{"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [{"topologyKey": "rack"}]}},
	] {
		answers({}, placed({"affinity": affinity}, {"replicaCount": 2}, "None"))
	}
}

test_leaves_gateways_alone_that_may_run_on_nothing_but_virtual_nodes if {
	answers({}, placed({}, {"replicaCount": 2}, "All"))
	answers({}, placed({"nodeSelector": {"type": "virtual-kubelet"}}, {"replicaCount": 2}, "Some"))
	answers({}, object.remove(pair, ["clusters"]))
	answers({}, json.remove(pair, ["clusters/c1/facts"]))
	answers({}, json.patch(pair, [{"op": "add", "path": "/gateway/spec/clusterIds/-", "value": "c2"}]))
}

test_names_no_gateway_that_has_no_name_yet if {
	answers({}, json.remove(pair, ["gateway/metadata/name"]))
	answers({}, object.union(pair, {"gateway": {"metadata": {"name": "", "generateName": "edge-"}}}))
}

test_does_not_restart_a_gateway_over_its_scaling if {
	answers({}, object.union(pair, {"old": {"spec": {"replicaCount": 1}}}))
}

test_fills_again_what_a_replaced_manifest_leaves_out if {
	old := {"spec": {"affinity": {"podAntiAffinity": spread}}}
	answers(filled, object.union(pair, {"old": old}))
	answers(filled, object.union(single, {"old": old}))
}

test_spreads_over_what_the_parameters_name if {
	zone_spread.fill == {"/spec/affinity/podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [object.union(term("rack"), {"weight": 7})]}} with input as pair
		with data.parameters.zone_spread.enabled as true
		with data.parameters.zone_spread.topologies as [{"key": "rack", "weight": 7}]
}
