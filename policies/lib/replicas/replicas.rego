# METADATA
# title: Replicas
# description: How many pods a gateway is sure to have, which is what rules reckon with.
package lib.replicas

# METADATA
# description: The fields that tell, so that a rule picks them alone out of a spec.
fields := ["autoscaleEnabled", "cpu", "maxReplicas", "memory", "minReplicas", "replicaCount"]

# METADATA
# description: >-
#   The fewest pods that a spec asks for, and the field that says so. Undefined when neither the gateway nor its
#   autoscaler counts them: whoever does may have any number.
fewest(spec) := {"field": "minReplicas", "pods": object.get(spec, "minReplicas", parameters.minReplicas)} if {
	is_autoscaled(spec)
}

else := {"field": "replicaCount", "pods": object.get(spec, "replicaCount", parameters.replicaCount)} if {
	not counted_by_others
}

parameters := {
	"minReplicas": data.parameters.autoscaling.minReplicas,
	"replicaCount": data.parameters.rolling_update.replicaCount,
}

# METADATA
# description: >-
#   Whether an autoscaler is made. A bound alone makes none: consoles write minReplicas and maxReplicas 1 and an empty
#   cpu.
is_autoscaled(spec) if {
	spec.maxReplicas
	not spec.autoscaleEnabled == false
	some resource in ["cpu", "memory"]
	spec[resource].targetAverageUtilization
}

counted_by_others if input.gateway.metadata.annotations["asm.alibabacloud.com/replicas-managed-by-asm"] == "false"
