# METADATA
# title: Labels
# description: >-
#   Some labels and annotations find a gateway's pods, or tell the mesh and the cloud what to do with them. Those that a
#   gateway writes over them are left out in silence, or take its traffic away.
# related_resources:
#   - ref: https://help.aliyun.com/en/asm/sidecar/crd-fields-for-an-asm-gateway
#     description: ASM gateway CRD reference, podLabels, podAnnotations, serviceLabels and serviceAnnotations
#   - ref: https://istio.io/latest/docs/reference/config/labels/
#     description: Istio resource labels
#   - ref: https://istio.io/latest/docs/reference/config/annotations/
#     description: Istio resource annotations
#   - ref: https://github.com/kubernetes/cloud-provider-alibaba-cloud
#     description: The cloud controller, which marks the Services of its load balancers
# custom:
#   absent:
#     - gateway.spec.overrides.**
#     - gateway.spec.podLabels.*
#   fix: remove it
package validate.labels

import data.lib.gateway
import data.lib.result

parameters := data.parameters.labels

deny contains finding if {
	some field, _ in parameters.owned
	some key, value in input.gateway.spec[field]
	is_replaced(field, key, value)
	finding := result.finding(rego.metadata.chain(), {
		"field": sprintf("spec.%s.%s", [field, key]),
		"message": problem(field, key, value),
	})
}

# Mostly none: overrides have the same few keys.
deny contains finding if {
	input.gateway.spec.overrides
	some field in gateway.annotation_fields
	some key in object.keys(gateway.overridden[field])
	is_owned(field, key)
	some id, override in gateway.overrides
	value := override[field][key]
	is_replaced(field, key, value)
	finding := result.finding(rego.metadata.chain(), {
		"field": sprintf("spec.overrides.%s.%s.%s", [id, field, key]),
		"message": problem(field, key, value),
	})
}

is_owned(_, key) if startswith(key, parameters.ownPrefix)

is_owned(field, key) if is_string(parameters.owned[field][key])

is_replaced(_, key, _) if startswith(key, parameters.ownPrefix)

is_replaced(field, key, value) if ours(field, key) != value

ours(field, key) := replace(pattern, "{name}", name) if pattern := parameters.owned[field][key]

name := object.get(input, ["gateway", "metadata", "name"], "")

problem(field, key, value) := sprintf("must be %s, is %s", [ours(field, key), value]) if ours(field, key) != ""

else := sprintf("must be left to those who set it themselves, is %s", [value])
