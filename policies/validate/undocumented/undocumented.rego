# METADATA
# title: Undocumented
# description: >-
#   The type still has fields of old meshes. Nothing reads them, and whoever writes one believes that it does something.
# related_resources:
#   - ref: https://github.com/aliyun/alibabacloud-servicemesh-api/blob/master/alibabacloudservicemesh/v1/istiogateway_types.go
#     description: The type of a gateway, with the fields that no documentation names
#   - ref: https://help.aliyun.com/en/asm/sidecar/crd-fields-for-an-asm-gateway
#     description: ASM gateway CRD reference, the fields that have a meaning
package validate.undocumented

import data.lib.result
import data.lib.words

warn contains finding if {
	some field, instead in data.parameters.undocumented.unread
	written := input.gateway.spec[field]
	written != ""
	words.says_something(written)
	finding := result.finding(rego.metadata.chain(), {
		"field": sprintf("spec.%s", [field]),
		"message": "must be absent, is set: nothing reads it",
		"fix": instead,
	})
}
