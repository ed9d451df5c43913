# METADATA
# title: Autoscaling
# description: >-
#   An autoscaler whose numbers contradict each other is refused by the cluster or never scales, long after the change
#   was let in. Judged for the gateway as a whole, and for each cluster whose overrides make a difference.
# related_resources:
#   - ref: https://help.aliyun.com/en/asm/sidecar/crd-fields-for-an-asm-gateway
#     description: ASM gateway CRD reference, Horizontal Pod Autoscaling
#   - ref: https://www.alibabacloud.com/help/en/asm/user-guide/customize-the-scaling-policy-of-asm-gateway
#     description: Customize the scaling policy of an ASM gateway
# custom:
#   absent:
#     - clusters.*.effective.maxReplicas
#     - clusters.*.effective.minReplicas
#     - gateway.spec.cpu.**
#     - gateway.spec.maxReplicas
#     - gateway.spec.minReplicas
#     - gateway.spec.overrides.**
package validate.autoscaling

import data.lib.gateway
import data.lib.result

parameters := data.parameters.autoscaling

deny contains finding if {
	refused != {}
	some problem in located(refused)
	finding := result.finding(rego.metadata.chain(), problem)
}

warn contains finding if {
	doubtful != {}
	some problem in located(doubtful)
	finding := result.finding(rego.metadata.chain(), problem)
}

# What is judged: the spec, and what becomes of it in one cluster for each way in which it is overridden.
judged := object.union(
	{"spec": {field: input.gateway.spec[field] | some field in fields}},
	{variant: {field: input.clusters[id].effective[field] | some field in fields} |
		some variant, id in gateway.variants
	},
)

fields := ["autoscaleEnabled", "cpu", "maxReplicas", "memory", "minReplicas", "replicaCount", "resources"]

# The targets that an autoscaler would follow, where there are any.
targets := {place: followed |
	some place, spec in judged
	not spec.autoscaleEnabled == false
	followed := {resource: target |
		some resource in ["cpu", "memory"]
		target := spec[resource].targetAverageUtilization
	}
	followed != {}
}

is_within(range, number) if {
	number >= range[0]
	number <= range[1]
}

# The problems with the paths of their fields. What an override did not cause is reported once, where it is written.
located(problems) := {at("spec", problem) | some problem in problems.spec} | {at(place, problem) |
	some variant, found in problems
	some problem in (found - object.get(problems, "spec", set()))
	some id, override in gateway.overrides
	object.remove(override, gateway.annotation_fields) == variant
	place := sprintf("spec.overrides.%s", [id])
}

at(place, problem) := object.union(problem, {"field": sprintf("%s.%s", [place, problem.field])})
