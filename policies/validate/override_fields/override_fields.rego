# METADATA
# title: Override fields
# description: >-
#   The type lets every field be overridden per cluster, but only a few are honoured; the others are ignored in silence.
# related_resources:
#   - ref: https://help.aliyun.com/en/asm/sidecar/crd-fields-for-an-asm-gateway
#     description: ASM gateway CRD reference, Configurable override fields
# custom:
#   fix: set it under spec for all clusters, or make a gateway of its own for the cluster
package validate.override_fields

import data.lib.gateway
import data.lib.result
import data.lib.version
import data.lib.words

deny contains finding if {
	# Mostly none: what the lowest mesh honours, all do.
	some field in (overridden - honoured(gateway.lowest_mesh_version))
	some id, override in gateway.overrides
	release := gateway.mesh_version(id)
	not field in honoured(release)
	words.says_something(override[field])
	finding := result.finding(rego.metadata.chain(), {
		"field": sprintf("spec.overrides.%s.%s", [id, field]),
		"message": problem(field, release),
	})
}

overridden := union({object.keys(override) | some override in gateway.overrides})

honoured(release) := union({fields |
	some since, names in data.parameters.override_fields.honoured
	version.at_least(release, since)
	fields := {name | some name in names}
})

problem(field, release) := sprintf("must be honoured per cluster, is from mesh %s on only; the mesh is on %s", [
	since,
	release,
]) if {
	some since, names in data.parameters.override_fields.honoured
	field in names
}

else := sprintf("must be %s, is %s", [words.one_of(overridable), field])

overridable := [name | some names in data.parameters.override_fields.honoured; some name in names]
