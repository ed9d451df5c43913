package validate.autoscaling

# METADATA
# description: What the cluster would refuse, or an autoscaler could never act on.
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
	some place, followed in targets
	some resource, target in followed
	not is_percentage(target)
	problem := {
		"field": sprintf("%s.targetAverageUtilization", [resource]),
		"message": sprintf("must be between %d and %d, is %v", [parameters.lowestTarget, parameters.highestTarget, target]),
		"fix": "state the target in percent of the request",
	}
}

# Kubernetes takes the limit for the request where only the limit is set.
refused[place] contains problem if {
	some place, followed in targets
	some resource, _ in followed
	not judged[place].resources.requests[resource]
	not judged[place].resources.limits[resource]
	problem := {
		"field": sprintf("resources.requests.%s", [resource]),
		"message": sprintf("must be set for the %s target to be measured against, is absent", [resource]),
		"fix": "set the request, or remove the target",
	}
}

is_percentage(target) if is_within([parameters.lowestTarget, parameters.highestTarget], target)
