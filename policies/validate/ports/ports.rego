# METADATA
# title: Ports
# description: >-
#   A Service with ports that contradict each other is refused by each cluster, after the change was let in. A target
#   that the proxy keeps to itself or cannot bind answers nobody; one that it uses to be managed answers too many.
# related_resources:
#   - ref: https://www.alibabacloud.com/help/en/alibaba-cloud-service-mesh/latest/modify-an-ingress-gateway-service
#     description: Modify an ingress gateway service, which protocols a port may have since when
#   - ref: https://istio.io/latest/docs/ops/deployment/application-requirements/#ports-used-by-istio
#     description: Ports used by Istio
#   - ref: https://github.com/istio/istio/pull/35930
#     description: Why a gateway that is not root needs a sysctl for ports below 1024
# custom:
#   absent:
#     - gateway.spec.hostNetwork
#     - gateway.spec.ports.**
#     - old.spec.ports.**
package validate.ports

import data.lib.names
import data.lib.result

parameters := data.parameters.ports

listed := input.gateway.spec.ports

deny contains finding if {
	some name in named
	not names.is_dns_label(name)
	some i, port in listed
	port.name == name
	finding := result.finding(rego.metadata.chain(), {
		"field": sprintf("spec.ports[%d].name", [i]),
		"message": sprintf("must be a DNS label of at most 63 characters, is %v", [name]),
		"fix": "use lower-case letters, digits and hyphens",
	})
}

deny contains finding if {
	may_repeat
	some [field, value], places in taken
	count(places) > 1
	some i in places
	i > min(places)
	finding := result.finding(rego.metadata.chain(), {
		"field": sprintf("spec.ports[%d].%s", [i, field]),
		"message": sprintf("must be free, is %v like that of spec.ports[%d]", [value, min(places)]),
		"fix": "choose another one, or remove the port",
	})
}
