# METADATA
# title: Override fields
# description: >-
#   The type lets every field be overridden per cluster, but only a few are honoured; the others are ignored in silence.
# related_resources:
#   - ref: https://help.aliyun.com/en/asm/sidecar/crd-fields-for-an-asm-gateway
#     description: ASM gateway CRD reference, Configurable override fields
# custom:
#   absent:
#     - gateway.spec.overrides.**
#   fix: set it under spec for all clusters, or make a gateway of its own for the cluster
package validate.override_fields

import data.lib.gateway
import data.lib.result
import data.lib.version
import data.lib.words

parameters := data.parameters.override_fields

deny contains finding if {
	input.gateway.spec.overrides
	some field in doubtful
	some id, override in gateway.overrides
	release := gateway.mesh_version(id)
	not version.at_least(release, since(field))
	words.says_something(override[field])
	finding := result.finding(rego.metadata.chain(), {
		"field": sprintf("spec.overrides.%s.%s", [id, field]),
		"message": problem(field, release),
	})
}

# Mostly none: what the lowest mesh honours, all do.
doubtful := {field |
	some field in (object.keys(gateway.overridden) - always)
	not version.at_least(gateway.lowest_mesh_version, since(field))
}

always := {field | some field in parameters.always}

# The first mesh version that honours a field. What stands for none is no version, so that no mesh is recent enough.
since(field) := object.get(parameters.since, field, "none")

problem(field, release) := sprintf("must be honoured per cluster, is from mesh %s on only; the mesh is on %s", [
	parameters.since[field],
	release,
]) if parameters.since[field]

else := sprintf("must be %s, is %s", [words.one_of(always | object.keys(parameters.since)), field])
