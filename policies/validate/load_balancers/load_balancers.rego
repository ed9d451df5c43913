# METADATA
# title: Load balancers
# description: >-
#   Load balancers beside the gateway's own, which an annotation asks for. What cannot be made of it would be missing, and
#   nobody would hear of it but in the gateway's conditions.
# related_resources:
#   - ref: https://www.alibabacloud.com/help/en/container-service-for-kubernetes/latest/use-annotations-to-configure-load-balancing-1
#     description: Annotations for load balancing, by which each gets its own settings
# custom:
#   absent:
#     - clusters.*.effective.serviceType
#     - gateway.spec.gatewayType
#     - loadBalancers.services.**
#     - loadBalancers.unreadable
package validate.load_balancers

import data.lib.gateway
import data.lib.result
import data.lib.version

parameters := data.parameters.load_balancers

annotation := "portcullis.dev/load-balancers"

field := sprintf("metadata.annotations.%s", [annotation])

asked := object.get(input, ["loadBalancers", "services"], {})

deny contains finding if {
	finding := result.finding(rego.metadata.chain(), {
		"field": field,
		"message": unreadable,
		"fix": `write it as [{name: private, annotations: {...}, loadBalancerClass: ..., loadBalancerIP: ..., externalTrafficPolicy: ..., ports: [443]}]; all but the name may be left out`,
	})
}

unreadable := input.loadBalancers.unreadable

# Whoever asks reads it for the rules.
unreadable := "must be read before it is judged, is not" if {
	input.gateway.metadata.annotations[annotation]
	not input.loadBalancers
}

deny contains finding if {
	count(asked) > parameters.most
	finding := result.finding(rego.metadata.chain(), {
		"field": field,
		"message": sprintf("must list at most %d load balancers, lists %d", [parameters.most, count(asked)]),
		"fix": "remove some, or make another gateway",
	})
}

deny contains finding if {
	longest := data.parameters.name.longest
	some name, balancer in asked
	count(name) > longest
	finding := result.finding(rego.metadata.chain(), {
		"field": field,
		"message": sprintf("must have names of at most %d characters for %s<name> to be one of a Service, has %s", [
			max([0, longest - count(trim_suffix(name, balancer.name))]),
			trim_suffix(name, balancer.name),
			balancer.name,
		]),
		"fix": "choose a shorter name",
	})
}

deny contains finding if {
	some name, _ in asked
	other := input.loadBalancers.taken[name]
	finding := result.finding(rego.metadata.chain(), {
		"field": field,
		"message": sprintf("must make Services of names that are free, makes %s, which is the Service of gateway %s", [name, other]),
		"fix": "choose another name",
	})
}

deny contains finding if {
	count(asked) > 0
	some reason in unreached
	finding := result.finding(rego.metadata.chain(), {
		"field": field,
		"message": sprintf("must be absent on %s, is set", [reason]),
		"fix": "remove it",
	})
}

# Why no load balancer of the gateway is made.
unreached contains "an egress gateway" if input.gateway.spec.gatewayType == "egress"

unreached contains "a gateway that has no load balancer itself in any cluster" if {
	types := {object.get(input.clusters[id], ["effective", "serviceType"], "LoadBalancer") | some id in gateway.clusters}
	count(types) > 0
	not "LoadBalancer" in types
}

deny contains finding if {
	since := data.parameters.service.classesSince
	some balancer in asked
	class := balancer.loadBalancerClass
	some release in {gateway.mesh_version(id) | some id in gateway.clusters}
	not version.at_least(release, since)
	finding := result.finding(rego.metadata.chain(), {
		"field": field,
		"message": sprintf("must have no loadBalancerClass before mesh %s, has %s; the mesh is on %s", [since, class, release]),
		"fix": "remove it, or update the mesh",
	})
}
