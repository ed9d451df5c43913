# METADATA
# title: Resources
# description: >-
#   Limits below the requests are refused by each cluster, after the change was let in. With less than a proxy needs to
#   start, every new pod is killed and started again; without limits, one gateway may take a whole node.
# related_resources:
#   - ref: https://www.alibabacloud.com/help/en/alibaba-cloud-service-mesh/latest/modify-an-ingress-gateway-service
#     description: Modify an ingress gateway service, resources and their defaults
#   - ref: https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/
#     description: Resource management for pods and containers
#   - ref: https://github.com/istio/istio/blob/master/manifests/charts/gateways/istio-ingress/values.yaml
#     description: Istio's ingress gateway chart, what it requests
# custom:
#   absent:
#     - gateway.spec.overrides.**
#     - gateway.spec.resources.**
package validate.resources

import data.lib.result

parameters := data.parameters.resources

deny contains finding if {
	some resources, places in written
	some list in ["limits", "requests"]
	some name, value in resources[list]
	not amount(value)
	some place in places
	finding := result.finding(rego.metadata.chain(), {
		"field": sprintf("%s.resources.%s.%s", [place, list, name]),
		"message": sprintf("must be a quantity of 0 or more, is %v", [value]),
		"fix": "write it with a unit of Kubernetes, for example 200m or 2Gi",
	})
}

deny contains finding if {
	some resources, places in written
	some name, limit in resources.limits
	amount(limit) < amount(resources.requests[name])
	some place in places
	finding := result.finding(rego.metadata.chain(), {
		"field": sprintf("%s.resources.limits.%s", [place, name]),
		"message": sprintf("must be at least the request, which is %v, is %v", [resources.requests[name], limit]),
		"fix": "raise the limit, or lower the request",
	})
}

deny contains finding if {
	some resources, places in written
	some name, lowest in parameters.lowestLimits
	amount(resources.limits[name]) < amount(lowest)
	some place in places
	finding := result.finding(rego.metadata.chain(), {
		"field": sprintf("%s.resources.limits.%s", [place, name]),
		"message": sprintf("must be at least %s for a proxy to start, is %v", [lowest, resources.limits[name]]),
		"fix": "raise the limit",
	})
}

warn contains finding if {
	some resources, places in written
	some name in parameters.limited
	not resources.limits[name]
	some place in places
	finding := result.finding(rego.metadata.chain(), {
		"field": sprintf("%s.resources.limits.%s", [place, name]),
		"message": "must be set for a proxy to leave something to others on its node, is absent",
		"fix": "set the limit",
	})
}
