# METADATA
# title: Namespace
# description: >-
#   Outside the allowed namespaces a gateway cannot get its configuration from the mesh, and never starts.
# related_resources:
#   - ref: https://help.aliyun.com/en/asm/sidecar/crd-fields-for-an-asm-gateway
#     description: ASM gateway CRD reference, metadata.namespace
package validate.namespace

import data.lib.result
import data.lib.words

allowed := data.parameters.namespace.allowed

deny contains finding if {
	not namespace in allowed
	finding := result.finding(rego.metadata.chain(), {
		"field": "metadata.namespace",
		"message": sprintf("must be %s, is %s", [words.one_of(allowed), namespace]),
		"fix": sprintf("create the gateway in %s", [words.one_of(allowed)]),
	})
}

namespace := object.get(input, ["gateway", "metadata", "namespace"], "absent")
