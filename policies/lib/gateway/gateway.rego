# METADATA
# title: Gateway
# description: >-
#   What many rules ask of the gateway at hand. It is worked out once for all of them, and with few steps for each
#   cluster: a gateway may have 50.
package lib.gateway

# METADATA
# description: The annotation that places a gateway in the mesh's own infrastructure.
managed_annotation := "asm.alibabacloud.com/managed-by-asm"

# METADATA
# description: Whether the gateway runs in the mesh's own infrastructure instead of clusters that it names.
managed if input.gateway.metadata.annotations[managed_annotation] == "true"

# METADATA
# description: The IDs that the gateway names, each once.
ids := {id | some id in input.gateway.spec.clusterIds}

# METADATA
# description: >-
#   The IDs of the clusters that the gateway is to run in, as far as anything is known of them. The input may describe
#   more: those that the stored gateway is leaving, and the one that metrics go to.
clusters := {id | input.clusters[id].managed} if managed

clusters := ids & {id | input.clusters[id]} if not managed

# METADATA
# description: What the gateway overrides, by cluster ID.
overrides := object.get(input, ["gateway", "spec", "overrides"], {})

# METADATA
# description: >-
#   One cluster for each way in which overrides change what the gateway is, by that way. Annotations are left out: they
#   differ in every cluster and change nothing that a rule reckons with.
variants := object.union_n([{object.remove(override, annotation_fields): id} | some id, override in overrides])

# METADATA
# description: The fields of an override that make no variant of the gateway.
annotation_fields := {"podAnnotations", "serviceAnnotations"}

# METADATA
# description: >-
#   All overrides as one, whatever the clusters: what is not here is in none of them. Overrides have the same few keys,
#   so that a rule that looks here first mostly need not look at each.
overridden := object.union_n([override | some override in overrides])

# METADATA
# description: The mesh version in a cluster; where it is not known, the lowest of the mesh.
mesh_version(id) := object.get(input, ["clusters", id, "mesh", "version"], lowest_mesh_version)

# METADATA
# description: >-
#   The lowest mesh version of the clusters concerned. What stands for an unknown one is no version, so that it is
#   never recent enough.
lowest_mesh_version := object.get(input, ["mesh", "version"], "an unknown version")
