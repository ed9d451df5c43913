package validate.override_fields_test

import data.validate.override_fields

finding(field, message) := {
	"code": "override_fields",
	"field": field,
	"message": message,
	"fix": "set it under spec for all clusters, or make a gateway of its own for the cluster",
}

never(field) := sprintf(
	"must be one of %s, is %s",
	[
		concat(", ", [
			"autoscaleEnabled", "cpu", "maxReplicas", "memory", "minReplicas", "podAnnotations", "replicaCount",
			"resources", "serviceAnnotations", "serviceType",
		]),
		field,
	],
)

since(version) := sprintf("must be honoured per cluster, is from mesh 1.16 on only; the mesh is on %s", [version])

always := {
	"podAnnotations": {"a": "b"},
	"replicaCount": 2,
	"resources": {"limits": {"cpu": "2"}},
	"serviceAnnotations": {"a": "b"},
}

hpa := {
	"autoscaleEnabled": false,
	"cpu": {"targetAverageUtilization": 80},
	"maxReplicas": 3,
	"memory": {"targetAverageUtilization": 80},
	"minReplicas": 2,
	"serviceType": "ClusterIP",
}

# meshes are the versions in the clusters, the lowest first.
denied(overrides, meshes) := found if {
	found := override_fields.deny with input as {
		"gateway": {"spec": {"overrides": overrides}},
		"clusters": {id: {"mesh": {"version": meshes[i]}} | some i, id in ["c1", "c2"]},
		"mesh": {"version": meshes[0]},
	}
}

test_accepts_an_empty_object if override_fields.deny == set() with input as {}

test_accepts_what_every_mesh_honours if denied({"c1": always, "c2": always}, ["1.9.7.107", "1.26"]) == set()

test_accepts_what_newer_meshes_honour if denied({"c1": hpa, "c2": always}, ["1.16", "1.16.0.1"]) == set()

test_refuses_what_no_mesh_honours if {
	denied({"c1": {"hostNetwork": true, "podLabels": {"a": "b"}, "replicaCount": 2}}, ["1.26", "1.26"]) == {
		finding("spec.overrides.c1.hostNetwork", never("hostNetwork")),
		finding("spec.overrides.c1.podLabels", never("podLabels")),
	}
}

test_refuses_what_the_mesh_of_that_cluster_does_not_honour_yet if {
	denied({"c1": {"minReplicas": 2}, "c2": {"minReplicas": 2}}, ["1.15.3.120", "1.16"]) == {finding(
		"spec.overrides.c1.minReplicas",
		since("1.15.3.120"),
	)}
}

test_refuses_every_newer_field_on_an_older_mesh if {
	{denial.field | some denial in denied({"c2": hpa}, ["1.14", "1.15"])} == {
		"spec.overrides.c2.autoscaleEnabled",
		"spec.overrides.c2.cpu",
		"spec.overrides.c2.maxReplicas",
		"spec.overrides.c2.memory",
		"spec.overrides.c2.minReplicas",
		"spec.overrides.c2.serviceType",
	}
}

test_judges_by_the_lowest_mesh_where_the_clusters_is_not_known if {
	override_fields.deny == {finding("spec.overrides.c1.minReplicas", since("1.15"))} with input as {
		"gateway": {"spec": {"overrides": {"c1": {"minReplicas": 2}}}},
		"mesh": {"version": "1.15"},
	}
}

test_refuses_where_no_mesh_version_is_known if {
	override_fields.deny == {finding(
		"spec.overrides.c1.minReplicas",
		"must be honoured per cluster, is from mesh 1.16 on only; the mesh is on an unknown version",
	)} with input.gateway.spec.overrides as {"c1": {"minReplicas": 2, "replicaCount": 2}}
}

test_accepts_the_empty_objects_that_consoles_write if {
	nothing := {"kernel": {"parameters": {}}, "compression": {}, "readinessProbe": {}, "cpu": {}, "env": []}
	denied({"c1": nothing}, ["1.15", "1.26"]) == set()
}

test_takes_the_honoured_fields_from_the_parameters if {
	denied({"c1": {"podLabels": {"a": "b"}}}, ["1.26", "1.26"]) == set() with data.parameters.override_fields.since.podLabels as "1.20"
}
