package validate.service

import data.lib.gateway
import data.lib.replicas
import data.lib.result

# METADATA
# description: Why no traffic reaches the gateway from outside.
not_outside contains "a ClusterIP Service" if input.gateway.spec.serviceType == "ClusterIP"

not_outside contains "an egress gateway" if input.gateway.spec.gatewayType == "egress"

# The policy that mutate/defaults wrote while there was traffic from outside. Its author never did, and cannot be told to
# remove it.
was_filled_in if {
	input.gateway.spec.externalTrafficPolicy == data.parameters.defaults.ingress.externalTrafficPolicy
	input.old.spec.externalTrafficPolicy == input.gateway.spec.externalTrafficPolicy
}

# An override may give the Service of one cluster a load balancer.
is_balanced_somewhere if object.get(input, ["gateway", "spec", "serviceType"], "LoadBalancer") == "LoadBalancer"

is_balanced_somewhere if {
	some override, _ in gateway.variants
	override.serviceType == "LoadBalancer"
}

# What is no known other type is a load balancer, which is the default.
is_balanced(id) if object.get(input.clusters[id], ["effective", "serviceType"], "LoadBalancer") == "LoadBalancer"

# Nodes without a pod drop what reaches them. On virtual nodes, and where ASM has its own, there is nothing to count.
warn contains finding if {
	input.gateway.spec.externalTrafficPolicy == "Local"
	not gateway.managed
	sparse := {id |
		some id
		nodes := input.clusters[id].facts.nodes
		id in gateway.clusters
		not input.clusters[id].facts.virtualNodes == "All"
		input.clusters[id].effective.externalTrafficPolicy == "Local"
		fewest_pods(id) < nodes
	}
	count(sparse) > 0
	finding := result.finding(rego.metadata.chain(), {
		"field": "spec.externalTrafficPolicy",
		"message": sprintf("must be Cluster for nodes without a pod to take traffic, is Local with fewer pods than nodes in %s", [
			concat(", ", sort(sparse)),
		]),
		"fix": "set it to Cluster, or raise the number of pods to that of the nodes",
	})
}

fewest_pods(id) := pods.spec if not gateway.overrides[id]

fewest_pods(id) := pods[object.remove(gateway.overrides[id], gateway.annotation_fields)]

pods["spec"] := replicas.fewest({field: input.gateway.spec[field] | some field in replicas.fields}).pods

pods[variant] := replicas.fewest({field: input.clusters[id].effective[field] | some field in replicas.fields}).pods if {
	some variant, id in gateway.variants
}

# Where a field is written that holds in a cluster.
written(id, path) := sprintf("spec.overrides.%s.%s", [id, concat(".", path)]) if object.get(gateway.overrides[id], path, null) != null

else := sprintf("spec.%s", [concat(".", path)])
