# METADATA
# title: Virtual nodes
# description: >-
#   Whether a gateway is to run on virtual nodes, by what it asks for and by what its clusters have. Which taint and
#   which labels virtual nodes have, mutate/serverless_tolerations has as its parameters.
package lib.virtual

import data.lib.gateway

parameters := data.parameters.serverless_tolerations

# METADATA
# description: The gateway's clusters whose nodes are all virtual, as far as that is known.
serverless := gateway.clusters & {id | input.clusters[id].facts.virtualNodes == "All"}

# METADATA
# description: The clusters where the gateway may come to run on virtual nodes.
clusters := gateway.clusters if asked

else := serverless

# METADATA
# description: Whether the gateway itself asks for virtual nodes, alone or among others.
asked if gateway.managed

asked if labelled

asked if selected

asked if {
	input.gateway.spec.affinity.nodeAffinity
	some term in (required_terms | preferred_terms)
	some expression in term.matchExpressions
	expression.key == parameters.nodeLabel.key
	expression.operator == "In"
	parameters.nodeLabel.value in expression.values
}

# METADATA
# description: Whether the pods carry the label that asks for elastic container instances.
labelled if input.gateway.spec.podLabels[parameters.podLabel.key] == parameters.podLabel.value

# METADATA
# description: Whether the node selector asks for virtual nodes.
selected if input.gateway.spec.nodeSelector[parameters.nodeLabel.key] == parameters.nodeLabel.value

# METADATA
# description: The terms of which a node must meet one.
required_terms contains term if {
	some term in input.gateway.spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms
}

preferred_terms contains preferred.preference if {
	some preferred in input.gateway.spec.affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution
}
