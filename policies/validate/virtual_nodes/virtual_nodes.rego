# METADATA
# title: Virtual nodes
# description: >-
#   A virtual node runs each pod as an elastic container instance, which has no node below it: what a gateway asks of
#   its node keeps the pods from starting, or is not there.
# related_resources:
#   - ref: https://help.aliyun.com/document_detail/89138.html
#     description: Limits of elastic container instances, networks, ports and volumes
#   - ref: https://www.alibabacloud.com/help/doc-detail/462800.html
#     description: Security contexts of elastic container instances, sysctls
#   - ref: https://www.alibabacloud.com/help/doc-detail/287011.htm
#     description: Configure a high-performance and high-availability ASM gateway, spreading on ACK Serverless
# custom:
#   absent:
#     - clusters.*.facts.virtualNodes
#     - gateway.spec.affinity.**
#     - gateway.spec.configVolumes.*
#     - gateway.spec.hostNetwork
#     - gateway.spec.kernel.**
#     - gateway.spec.overrides.**
#     - gateway.spec.ports.**
#     - gateway.spec.serviceType
package validate.virtual_nodes

import data.lib.gateway
import data.lib.result
import data.lib.virtual
import data.lib.words

parameters := data.parameters.virtual_nodes

deny contains finding if {
	count(virtual.clusters) > 0
	some problem in problems
	finding := result.finding(rego.metadata.chain(), problem)
}

deny contains finding if {
	count(virtual.clusters) > 0
	some place, type in service_types
	finding := result.finding(rego.metadata.chain(), {
		"field": sprintf("%s.serviceType", [place]),
		"message": sprintf("must be %s on virtual nodes, is %v", [words.one_of(parameters.serviceTypes), type]),
		"fix": "choose one of them",
	})
}

deny contains finding if {
	count(virtual.serverless) > 0
	words.says_something(input.gateway.spec.affinity.podAntiAffinity)
	finding := result.finding(rego.metadata.chain(), {
		"field": "spec.affinity.podAntiAffinity",
		"message": sprintf("must be absent where every node is virtual, as in %s, is set", [concat(", ", virtual.serverless)]),
		"fix": "remove it, and list a vSwitch of each zone in the pod annotation k8s.aliyun.com/eci-vswitch",
	})
}

# What is wrong wherever a virtual node is. What managed_placement refuses of a gateway that ASM manages is not refused
# twice.
problems contains {
	"field": "spec.hostNetwork",
	"message": "must be false on virtual nodes, is true: there is no node whose network the pods could use",
	"fix": "set it to false; a Service of type LoadBalancer reaches the pods",
} if {
	input.gateway.spec.hostNetwork == true
	not gateway.managed
}

problems contains {
	"field": sprintf("spec.kernel.parameters.%s", [name]),
	"message": "must be a parameter that virtual nodes take, is one of a whole node",
	"fix": "remove it",
} if {
	input.gateway.spec.kernel.enabled == true
	some name in parameters.kernelParameters
	input.gateway.spec.kernel.parameters[name]
}
