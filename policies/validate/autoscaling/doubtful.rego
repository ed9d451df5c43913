package validate.autoscaling

# METADATA
# description: What works, and not as its author may think.
doubtful[place] contains problem if {
	some place, _ in targets
	not judged[place].maxReplicas
	problem := {
		"field": "maxReplicas",
		"message": "must be set for an autoscaler to be made, is absent",
		"fix": "set maxReplicas, or remove the target",
	}
}

# The default is left alone: mutate/defaults fills it in for everybody, and nobody who left it out wants to hear of it.
doubtful[place] contains problem if {
	some place, _ in targets
	spec := judged[place]
	spec.replicaCount != data.parameters.defaults.all.replicaCount
	range := [object.get(spec, "minReplicas", parameters.minReplicas), spec.maxReplicas]
	not is_within(range, spec.replicaCount)
	problem := {
		"field": "replicaCount",
		"message": sprintf("must be between minReplicas and maxReplicas, which are %v and %v, is %v", [
			range[0],
			range[1],
			spec.replicaCount,
		]),
		"fix": "leave replicaCount out: the autoscaler decides",
	}
}

doubtful[place] contains problem if {
	some place, followed in targets
	followed.memory
	problem := {
		"field": "memory.targetAverageUtilization",
		"message": "must be a CPU target for pods to be removed again, is a memory target: a proxy keeps the memory that it took",
		"fix": "use cpu.targetAverageUtilization",
	}
}
