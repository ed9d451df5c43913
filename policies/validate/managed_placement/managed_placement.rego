# METADATA
# title: Managed placement
# description: >-
#   A gateway that ASM manages runs in the mesh's own infrastructure: it has no clusters, nodes or volumes of the user's,
#   and only newer meshes can run one.
# custom:
#   absent:
#     - gateway.metadata.annotations.asm.alibabacloud.com/export-metrics
#     - gateway.metadata.annotations.asm.alibabacloud.com/managed-by-asm
#     - gateway.spec.clusterIds.*
#     - gateway.spec.configVolumes.*
#   sources:
#     - ASM documentation, serverless gateways, annotations managed-by-asm and export-metrics
package validate.managed_placement

import data.lib.gateway
import data.lib.result
import data.lib.version
import data.lib.words

parameters := data.parameters.managed_placement

export_annotation := "asm.alibabacloud.com/export-metrics"

annotations := object.get(input, ["gateway", "metadata", "annotations"], {})

deny contains finding if {
	stated := annotations[gateway.managed_annotation]
	not gateway.managed
	finding := result.finding(rego.metadata.chain(), {
		"field": at(gateway.managed_annotation),
		"message": sprintf("must be the string 'true' or absent, is %v", [stated]),
		"fix": sprintf("write %s: 'true', or remove the annotation", [gateway.managed_annotation]),
	})
}

deny contains finding if {
	gateway.managed
	some field in parameters.nodeBound
	is_set(input.gateway.spec[field])
	finding := result.finding(rego.metadata.chain(), {
		"field": sprintf("spec.%s", [field]),
		"message": "must be absent on a gateway that ASM manages, is set",
		"fix": sprintf("remove it, or remove the annotation %s", [gateway.managed_annotation]),
	})
}

deny contains finding if {
	gateway.managed
	not is_offered
	finding := result.finding(rego.metadata.chain(), {
		"field": "spec.serviceType",
		"message": sprintf("must be %s on a gateway that ASM manages, is %v", [words.one_of(parameters.serviceTypes), service_type]),
		"fix": "choose one of them",
	})
}

deny contains finding if {
	gateway.managed
	some release in releases
	not version.at_least(release, parameters.lowestMesh)
	finding := result.finding(rego.metadata.chain(), {
		"field": at(gateway.managed_annotation),
		"message": sprintf("must be on mesh %s or later, is on %s", [parameters.lowestMesh, release]),
		"fix": "update the mesh, or name the gateway's clusters in spec.clusterIds instead",
	})
}

deny contains finding if {
	id := annotations[export_annotation]
	not input.clusters[id].registered
	finding := result.finding(rego.metadata.chain(), {
		"field": at(export_annotation),
		"message": sprintf("must be the ID of a registered cluster, is %v", [id]),
		"fix": "list the clusters with kubectl get gatewayclusters",
	})
}

at(annotation) := sprintf("metadata.annotations.%s", [annotation])

is_offered if service_type in parameters.serviceTypes

service_type := object.get(input, ["gateway", "spec", "serviceType"], "absent")

# hostNetwork: false and empty objects ask for nothing.
is_set(value) if {
	value != false
	words.says_something(value)
}

# The mesh versions where managed gateways run; where no cluster takes them yet, that of the mesh.
releases contains gateway.mesh_version(id) if some id in gateway.clusters

releases contains gateway.lowest_mesh_version if count(gateway.clusters) == 0
