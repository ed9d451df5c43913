# METADATA
# title: Service
# description: >-
#   A Service that contradicts itself or its cluster is refused there, after the change was let in, or waits for its
#   address for ever.
# related_resources:
#   - ref: https://help.aliyun.com/en/asm/sidecar/crd-fields-for-an-asm-gateway
#     description: ASM gateway CRD reference, serviceType, loadBalancerClass and externalTrafficPolicy
#   - ref: https://www.alibabacloud.com/help/en/asm/sidecar/use-network-based-load-balancing-nlb-in-the-asm-ingress-gateway
#     description: Use NLB in the ASM ingress gateway, which meshes can
#   - ref: https://www.alibabacloud.com/help/en/ack/ack-managed-and-ack-dedicated/user-guide/configure-nlb-instances-by-using-annotations
#     description: Configure NLB instances by using annotations, the zones that one must have
#   - ref: https://www.alibabacloud.com/help/en/container-service-for-kubernetes/latest/use-annotations-to-configure-load-balancing-1
#     description: Annotations for load balancing, the old keyword
#   - ref: https://www.alibabacloud.com/help/en/asm/support/how-to-do-if-the-kubernetes-cluster-pods-cannot-access-clb-address-in-ingress-gateway
#     description: Which pods cannot reach a gateway whose policy is Local
# custom:
#   absent:
#     - clusters.*.effective.serviceAnnotations.*
#     - clusters.*.facts.loadBalancer
#     - gateway.spec.externalTrafficPolicy
#     - gateway.spec.gatewayType
#     - gateway.spec.loadBalancerClass
#     - gateway.spec.serviceAnnotations.*
#     - gateway.spec.serviceType
package validate.service

import data.lib.gateway
import data.lib.result
import data.lib.version

parameters := data.parameters.service

deny contains finding if {
	policy := input.gateway.spec.externalTrafficPolicy
	some reason in not_outside
	not was_filled_in
	finding := result.finding(rego.metadata.chain(), {
		"field": "spec.externalTrafficPolicy",
		"message": sprintf("must be absent on %s, is %s", [reason, policy]),
		"fix": "remove it",
	})
}

deny contains finding if {
	class := input.gateway.spec.loadBalancerClass
	not is_balanced_somewhere
	finding := result.finding(rego.metadata.chain(), {
		"field": "spec.loadBalancerClass",
		"message": sprintf("must be absent without serviceType LoadBalancer, is %s", [class]),
		"fix": "remove it, or set spec.serviceType to LoadBalancer",
	})
}

deny contains finding if {
	class := input.gateway.spec.loadBalancerClass
	some release in {gateway.mesh_version(id) | some id in gateway.clusters}
	not version.at_least(release, parameters.classesSince)
	finding := result.finding(rego.metadata.chain(), {
		"field": "spec.loadBalancerClass",
		"message": sprintf("must be absent before mesh %s, is %s; the mesh is on %s", [parameters.classesSince, class, release]),
		"fix": "remove it, or update the mesh",
	})
}

deny contains finding if {
	some id
	input.clusters[id].facts.loadBalancer == false
	id in gateway.clusters
	is_balanced(id)
	finding := result.finding(rego.metadata.chain(), {
		"field": written(id, ["serviceType"]),
		"message": sprintf("must be another type in %s, which gives no Service a load balancer, is LoadBalancer", [id]),
		"fix": sprintf("set spec.overrides.%s.serviceType to NodePort or ClusterIP", [id]),
	})
}
