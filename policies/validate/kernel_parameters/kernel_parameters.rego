# METADATA
# title: Kernel parameters
# description: >-
#   A parameter that a pod cannot set, or that a node's kernel does not have, keeps every new pod from starting. On the
#   host's network the kubelet refuses any of net.*, and the Deployment makes new pods without end.
# related_resources:
#   - ref: https://help.aliyun.com/en/asm/sidecar/crd-fields-for-an-asm-gateway
#     description: ASM gateway CRD reference, Kernel tuning
#   - ref: https://www.alibabacloud.com/help/en/ecs/user-guide/change-the-tcp-time-wait-timeout-period
#     description: Change the TCP TIME-WAIT timeout period, which kernels have tcp_tw_timeout
#   - ref: https://github.com/kubernetes/kubernetes/issues/118702
#     description: Pods without end when hostNetwork meets a net sysctl
#   - ref: https://github.com/kubernetes/website/pull/56255
#     description: Which sysctls a pod can set
# custom:
#   absent:
#     - clusters.*.facts.kernelVersions.**
#     - gateway.spec.hostNetwork
#     - gateway.spec.kernel.**
package validate.kernel_parameters

import data.lib.result

parameters := data.parameters.kernel_parameters

stated := object.get(input, ["gateway", "spec", "kernel", "parameters"], {})

# What pods would get. Parameters of a kernel section that is off do nothing.
applied := {name: parameter |
	input.gateway.spec.kernel.enabled
	some name, _ in stated
	parameter := parameters.supported[name]
}

deny contains finding if {
	some name, _ in input.gateway.spec.kernel.parameters
	not parameters.supported[name]
	finding := result.finding(rego.metadata.chain(), {
		"field": field(name),
		"message": sprintf("must be one of the %d supported kernel parameters, is %s", [count(parameters.supported), name]),
		"fix": "remove it; kubectl explain istiogateway.spec.kernel.parameters lists them",
	})
}

deny contains finding if {
	input.gateway.spec.kernel.enabled
	some name, parameter in applied
	parameter.nodeWide
	not parameters.privilegedInitContainer
	finding := result.finding(rego.metadata.chain(), {
		"field": field(name),
		"message": "must be a parameter that a pod can set, is one of the whole node",
		"fix": "remove it, and set it on the nodes",
	})
}

deny contains finding if {
	input.gateway.spec.hostNetwork
	some name, _ in applied
	startswith(name, "net.")
	finding := result.finding(rego.metadata.chain(), {
		"field": field(name),
		"message": "must be absent on the host's network, is set: no pod would start, and new ones would be made without end",
		"fix": "remove it, or set spec.hostNetwork to false",
	})
}

field(name) := sprintf("spec.kernel.parameters.%s", [name])
