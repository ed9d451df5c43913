# METADATA
# title: Host network
# description: >-
#   On its node's network a pod takes the node's ports, so that no second one fits on the node, and reaches everything
#   that the node reaches.
# related_resources:
#   - ref: https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline
#     description: Kubernetes, Pod Security Standards, host namespaces
#   - ref: https://kubernetes.io/docs/concepts/services-networking/dns-pod-service/#pod-s-dns-policy
#     description: Kubernetes, DNS for Services and Pods, ClusterFirst on the host's network
#   - ref: https://kubernetes.io/docs/reference/networking/ports-and-protocols/
#     description: Kubernetes, Ports and Protocols, what nodes listen on
# custom:
#   absent:
#     - clusters.*.effective.replicaCount
#     - clusters.*.facts.nodes
#     - clusters.*.neighbours.*
#     - gateway.spec.hostNetwork
#     - gateway.spec.ports.*
package validate.host_network

import data.lib.gateway
import data.lib.ports
import data.lib.replicas
import data.lib.result
import data.lib.scaling

parameters := data.parameters.host_network

deny contains finding if {
	input.gateway.spec.hostNetwork == true
	some id in gateway.clusters
	nodes := input.clusters[id].facts.nodes
	wanted := scaling.fewest(id)
	wanted.pods > nodes
	finding := result.finding(rego.metadata.chain(), {
		"field": wanted.field,
		"message": sprintf("must be at most the %d nodes of %s, as no node takes two pods on its network, is %d", [
			nodes,
			id,
			wanted.pods,
		]),
		"fix": "lower it, or set spec.hostNetwork to false",
	})
}

# Every proxy listens on the same ports for its own, so that a node takes one pod of all gateways on its network.
deny contains finding if {
	input.gateway.spec.hostNetwork == true
	some id in gateway.clusters
	nodes := input.clusters[id].facts.nodes
	wanted := scaling.fewest(id)
	wanted.pods <= nodes
	others := pods_of_neighbours(id)
	room := max([0, nodes - sum([pods | some pods in others])])
	wanted.pods > room
	finding := result.finding(rego.metadata.chain(), {
		"field": wanted.field,
		"message": sprintf("must be at most %d, as of the %d nodes of %s those with a pod of %s on their network take no other, is %d", [
			room,
			nodes,
			id,
			concat(", ", object.keys(others)),
			wanted.pods,
		]),
		"fix": "lower it, or set spec.hostNetwork to false",
	})
}

# How many pods the other gateways are sure to have on the network of a cluster's nodes.
pods_of_neighbours(id) := {name: pods |
	some name, spec in input.clusters[id].neighbours
	pods := replicas.fewest(spec).pods
}

deny contains finding if {
	input.gateway.spec.hostNetwork == true
	some i, target in ports.targets
	target in parameters.nodePorts
	finding := result.finding(rego.metadata.chain(), {
		"field": sprintf("spec.ports[%d].targetPort", [i]),
		"message": sprintf("must be a port that nodes do not use themselves, is %d", [target]),
		"fix": "choose another target; the Service may keep its port",
	})
}

warn contains finding if {
	input.gateway.spec.hostNetwork == true
	finding := result.finding(rego.metadata.chain(), {
		"field": "spec.hostNetwork",
		"message": "must be false for pods to be kept apart from their nodes, is true: they reach what the node reaches",
		"fix": "set it to false; a Service of type LoadBalancer reaches the pods",
	})
}

# The default that was filled in before the gateway came onto the host's network stays, and nothing overwrites it.
warn contains finding if {
	input.gateway.spec.hostNetwork == true
	policy := data.parameters.host_network_dns.dnsPolicy
	written := input.gateway.spec.dnsPolicy
	written != policy
	finding := result.finding(rego.metadata.chain(), {
		"field": "spec.dnsPolicy",
		"message": sprintf("must be %s for the proxy to find its control plane from the host's network, is %s", [policy, written]),
		"fix": sprintf("set it to %s", [policy]),
	})
}
