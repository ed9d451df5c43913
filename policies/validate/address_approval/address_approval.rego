# METADATA
# title: Address approval
# description: >-
#   A change that gives up a load balancer gives up its address for good: clients and DNS records that know it reach
#   nothing. It goes in when somebody other than its author approved exactly this change. Deleting a gateway is one.
# related_resources:
#   - ref: https://help.aliyun.com/en/asm/sidecar/crd-fields-for-an-asm-gateway
#     description: ASM gateway CRD reference, serviceType and clusterIds
#   - ref: https://github.com/kubernetes/cloud-provider-alibaba-cloud
#     description: The cloud controller, which cannot change some attributes of a load balancer
# custom:
#   absent:
#     - change.effects.AddressLoss.*
package validate.address_approval

import data.lib.approval
import data.lib.refusal
import data.lib.result

parameters := data.parameters.address_approval

judges := {"gateway", "deletion"}

deny contains finding if {
	input.change.effects.AddressLoss[0]
	approval.lacks("AddressLoss", parameters.approvers)
	deed := "release the load balancer's address"
	finding := result.finding(rego.metadata.chain(), refusal.lacking("AddressLoss", parameters.approvers, deed))
}

# What the change does is always known but to a caller that did not look.
deny contains finding if {
	input.request.operation != "CREATE"
	not is_known
	finding := unknown
}

deny contains finding if {
	not input.request.operation
	finding := unknown
}

is_known if is_array(input.change.effects.AddressLoss)

unknown := result.finding(rego.metadata.chain(), {
	"field": "spec",
	"message": "must be a change of which it is known what addresses it releases, is not",
	"fix": "ask again; the guard was asked without the change",
})
