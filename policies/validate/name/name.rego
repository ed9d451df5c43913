# METADATA
# title: Name
# description: >-
#   A gateway gives its name to a Service, a Deployment and their labels in every cluster. One that is too long for them
#   is refused there, one that ends like a canary takes the Deployment of another gateway's, and one that another gateway
#   has given a load balancer beside its own takes the Service of that.
# related_resources:
#   - ref: https://help.aliyun.com/en/asm/sidecar/crd-fields-for-an-asm-gateway
#     description: ASM gateway CRD reference, metadata.name
#   - ref: https://www.alibabacloud.com/help/en/asm/sidecar/asm-gateway-grayscale-upgrade
#     description: Canary upgrade of an ASM gateway, the name of the second Deployment
# custom:
#   absent:
#     - gateway.metadata.annotations.asm.alibabacloud.com/enable-canary-deployment
#     - gateway.metadata.name
#   fix: create the gateway under another name, and remove this one when its traffic has moved
package validate.name

import data.lib.result

longest := data.parameters.name.longest

# Absent on creation with generateName; the API server makes one before it is stored.
name := input.gateway.metadata.name

canary_suffix := "-canary"

deny contains finding if {
	count(sprintf(longest_generated, [name])) > longest
	room := longest - count(sprintf(longest_generated, [""]))
	finding := result.finding(rego.metadata.chain(), {
		"field": "metadata.name",
		"message": sprintf("must be at most %d characters long for %s, is %d", [
			room,
			sprintf(longest_generated, ["<name>"]),
			count(name),
		]),
		"fix": "choose a shorter name",
	})
}

deny contains finding if {
	contains(name, ".")
	finding := result.finding(rego.metadata.chain(), {
		"field": "metadata.name",
		"message": sprintf("must be without dots for a Service to have it, is %s", [name]),
		"fix": "use hyphens instead of dots",
	})
}

deny contains finding if {
	endswith(name, canary_suffix)
	finding := result.finding(rego.metadata.chain(), {
		"field": "metadata.name",
		"message": sprintf("must not end in %s, is %s: the canary of %s is called so", [
			canary_suffix,
			name,
			trim_suffix(name, canary_suffix),
		]),
	})
}

deny contains finding if {
	some other in input.namesakes
	finding := result.finding(rego.metadata.chain(), {
		"field": "metadata.name",
		"message": sprintf("must be another one in %s, where gateway %s has Service %s for its load balancer %s, is %s", [
			concat(", ", other.clusters),
			other.gateway,
			other.service,
			other.loadBalancer,
			name,
		]),
		"fix": sprintf("choose another name, or take that load balancer, with its address, out of annotation portcullis.dev/load-balancers of %s", [other.gateway]),
	})
}

# A canary has no name before somebody asks for one.
longest_generated := "istio-%s-canary" if {
	input.gateway.metadata.annotations["asm.alibabacloud.com/enable-canary-deployment"] == "true"
}

else := "istio-%s"
