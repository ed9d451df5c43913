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
package validate.autoscaling

import data.lib.gateway
import data.lib.result

parameters := data.parameters.autoscaling

deny contains finding if {
	some problem in located(refused)
	finding := result.finding(rego.metadata.chain(), problem)
}

warn contains finding if {
	some problem in located(doubtful)
	finding := result.finding(rego.metadata.chain(), problem)
}

# What is judged: the spec, and what becomes of it in one cluster for each way in which it is overridden.
judged := object.union(
	{"spec": scaling(input.gateway.spec)},
	{variant: scaling(input.clusters[id].effective) | some variant, id in gateway.variants},
)

scaling(spec) := {field: spec[field] |
	some field in ["autoscaleEnabled", "cpu", "maxReplicas", "memory", "minReplicas", "replicaCount", "resources"]
}

# The targets that an autoscaler would follow.
targets := {[place, resource]: target |
	some place, spec in judged
	not spec.autoscaleEnabled == false
	some resource in ["cpu", "memory"]
	target := spec[resource].targetAverageUtilization
}

refused[place] contains problem if {
	some place, spec in judged
	fewest := object.get(spec, "minReplicas", parameters.minReplicas)
	fewest > spec.maxReplicas
	problem := {
		"field": "minReplicas",
		"message": sprintf("must be at most maxReplicas, which is %v, is %v", [spec.maxReplicas, fewest]),
		"fix": "lower minReplicas or raise maxReplicas",
	}
}

refused[place] contains problem if {
	some [place, resource], target in targets
	not is_percentage(target)
	problem := {
		"field": sprintf("%s.targetAverageUtilization", [resource]),
		"message": sprintf("must be between %d and %d, is %v", [parameters.lowestTarget, parameters.highestTarget, target]),
		"fix": "state the target in percent of the request",
	}
}

# Kubernetes takes the limit for the request where only the limit is set.
refused[place] contains problem if {
	some [place, resource], _ in targets
	not judged[place].resources.requests[resource]
	not judged[place].resources.limits[resource]
	problem := {
		"field": sprintf("resources.requests.%s", [resource]),
		"message": sprintf("must be set for the %s target to be measured against, is absent", [resource]),
		"fix": "set the request, or remove the target",
	}
}

doubtful[place] contains problem if {
	some [place, _], _ in targets
	not judged[place].maxReplicas
	problem := {
		"field": "maxReplicas",
		"message": "must be set for an autoscaler to be made, is absent",
		"fix": "set maxReplicas, or remove the target",
	}
}

# The default is left alone: mutate/defaults fills it in for everybody, and nobody who left it out wants to hear of it.
doubtful[place] contains problem if {
	some [place, _], _ in targets
	spec := judged[place]
	spec.replicaCount != data.parameters.defaults.all.replicaCount
	fewest := object.get(spec, "minReplicas", parameters.minReplicas)
	sort([fewest, spec.replicaCount, spec.maxReplicas]) != [fewest, spec.replicaCount, spec.maxReplicas]
	problem := {
		"field": "replicaCount",
		"message": sprintf("must be between minReplicas and maxReplicas, which are %v and %v, is %v", [
			fewest,
			spec.maxReplicas,
			spec.replicaCount,
		]),
		"fix": "leave replicaCount out: the autoscaler decides",
	}
}

doubtful[place] contains problem if {
	some [place, "memory"], _ in targets
	problem := {
		"field": "memory.targetAverageUtilization",
		"message": "must be a CPU target for pods to go again, is a memory target: a proxy keeps the memory that it took",
		"fix": "use cpu.targetAverageUtilization",
	}
}

is_percentage(target) if {
	target >= parameters.lowestTarget
	target <= parameters.highestTarget
}

# The problems with the paths of their fields. What an override did not cause is reported once, where it is written.
located(problems) := {at("spec", problem) | some problem in problems.spec} | {at(place, problem) |
	some variant, found in problems
	some problem in (found - object.get(problems, "spec", set()))
	some id, override in gateway.overrides
	gateway.variant(override) == variant
	place := sprintf("spec.overrides.%s", [id])
}

at(place, problem) := object.union(problem, {"field": sprintf("%s.%s", [place, problem.field])})
