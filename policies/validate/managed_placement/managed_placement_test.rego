package validate.managed_placement_test

import data.validate.managed_placement

managed := "asm.alibabacloud.com/managed-by-asm"

metrics := "asm.alibabacloud.com/export-metrics"

finding(field, message, fix) := {"code": "managed_placement", "field": field, "message": message, "fix": fix}

not_true(stated) := finding(
	"metadata.annotations.asm.alibabacloud.com/managed-by-asm",
	sprintf("must be the string 'true' or absent, is %v", [stated]),
	"write asm.alibabacloud.com/managed-by-asm: 'true', or remove the annotation",
)

node_bound(field) := finding(
	sprintf("spec.%s", [field]),
	"must be absent on a gateway that ASM manages, is set",
	"remove it, or remove the annotation asm.alibabacloud.com/managed-by-asm",
)

service_type(stated) := finding(
	"spec.serviceType",
	sprintf("must be one of ClusterIP, LoadBalancer on a gateway that ASM manages, is %s", [stated]),
	"choose one of them",
)

too_old(stated) := finding(
	"metadata.annotations.asm.alibabacloud.com/managed-by-asm",
	sprintf("must be on mesh 1.18.0.147 or later, is on %s", [stated]),
	"update the mesh, or name the gateway's clusters in spec.clusterIds instead",
)

unregistered(id) := finding(
	"metadata.annotations.asm.alibabacloud.com/export-metrics",
	sprintf("must be the ID of a registered cluster, is %s", [id]),
	"list the clusters with kubectl get gatewayclusters",
)

on_mesh(annotations, spec, version) := {
	"gateway": {"metadata": {"annotations": annotations}, "spec": spec},
	"clusters": {},
	"mesh": {"version": version},
}

denied(spec) := found if {
	found := managed_placement.deny with input as on_mesh(
		{managed: "true"},
		object.union({"serviceType": "LoadBalancer"}, spec),
		"1.26",
	)
}

test_accepts_an_empty_object if managed_placement.deny == set() with input as {}

test_accepts_a_managed_gateway if {
	denied({}) == set()
	denied({"serviceType": "ClusterIP", "tolerations": [{"operator": "Exists"}]}) == set()
}

test_says_nothing_of_other_gateways if {
	spec := {"clusterIds": ["c1"], "serviceType": "NodePort", "hostNetwork": true, "nodeSelector": {"a": "b"}}
	managed_placement.deny == set() with input as on_mesh({}, spec, "1.9")
}

test_refuses_any_annotation_but_the_string_true if {
	every stated in ["false", "True", "", "yes", true, false] {
		managed_placement.deny == {not_true(stated)} with input as on_mesh({managed: stated}, {}, "1.26")
	}
}

test_refuses_what_is_bound_to_clusters_and_nodes if {
	denied({
		"clusterIds": ["c1"],
		"configVolumes": [{"name": "a"}],
		"hostNetwork": true,
		"nodeSelector": {"a": "b"},
		"overrides": {"c1": {"replicaCount": 2}},
		"secretVolumes": [{"name": "a"}],
	}) == {node_bound(field) |
		some field in ["clusterIds", "configVolumes", "hostNetwork", "nodeSelector", "overrides", "secretVolumes"]
	}
}

test_accepts_what_says_nothing_of_them if {
	denied({"clusterIds": [], "hostNetwork": false, "nodeSelector": {}, "overrides": {}, "secretVolumes": null}) == set()
}

test_refuses_node_ports if denied({"serviceType": "NodePort"}) == {service_type("NodePort")}

test_refuses_a_missing_service_type if {
	managed_placement.deny == {service_type("absent")} with input as on_mesh({managed: "true"}, {}, "1.26")
}

test_refuses_older_meshes if {
	spec := {"serviceType": "LoadBalancer"}
	managed_placement.deny == set() with input as on_mesh({managed: "true"}, spec, "1.18.0.147")
	managed_placement.deny == {too_old("1.18.0.146")} with input as on_mesh({managed: "true"}, spec, "1.18.0.146")
	managed_placement.deny == {too_old("1.17.2.19")} with input as on_mesh({managed: "true"}, spec, "1.17.2.19")
}

test_refuses_where_no_mesh_version_is_known if {
	managed_placement.deny == {too_old("an unknown version"), service_type("absent")} with input as {"gateway": {"metadata": {"annotations": {managed: "true"}}}}
}

test_judges_by_the_mesh_where_managed_gateways_run if {
	spec := {"serviceType": "LoadBalancer"}
	clusters := {"asm": {"managed": true, "mesh": {"version": "1.26"}}, "left": {"mesh": {"version": "1.9"}}}
	managed_placement.deny == set() with input as object.union(
		on_mesh({managed: "true"}, spec, "1.9"),
		{"clusters": clusters},
	)
}

test_accepts_metrics_for_a_registered_cluster if {
	managed_placement.deny == set() with input.gateway.metadata.annotations as {metrics: "c1"}
		with input.clusters as {"c1": {"registered": true}}
}

test_refuses_metrics_for_an_unknown_cluster if {
	managed_placement.deny == {unregistered("c1")} with input.gateway.metadata.annotations as {metrics: "c1"}
	managed_placement.deny == {unregistered("c1")} with input.gateway.metadata.annotations as {metrics: "c1"}
		with input.clusters as {"c1": {"registered": false}}
}

test_takes_the_bounds_from_the_parameters if {
	denied({"serviceType": "NodePort"}) == set() with data.parameters.managed_placement.serviceTypes as ["NodePort", "LoadBalancer"]
	denied({"nodeSelector": {"a": "b"}}) == set() with data.parameters.managed_placement.nodeBound as []
	message := "must be on mesh 1.27 or later, is on 1.26"
	denied({}) == {object.union(too_old("1.26"), {"message": message})} with data.parameters.managed_placement.lowestMesh as "1.27"
}
