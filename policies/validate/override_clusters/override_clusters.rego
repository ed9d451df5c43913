# METADATA
# title: Override clusters
# description: >-
#   An override for a cluster that the gateway is not placed in does nothing, and is mostly a misspelt ID. With fewer
#   than two clusters there is nothing to differ from.
# related_resources:
#   - ref: https://help.aliyun.com/en/asm/sidecar/crd-fields-for-an-asm-gateway
#     description: ASM gateway CRD reference, Per-cluster overrides
# custom:
#   absent:
#     - gateway.spec.overrides.*
package validate.override_clusters

import data.lib.gateway
import data.lib.result

fewest := data.parameters.override_clusters.fewestClusters

deny contains finding if {
	input.gateway.spec.overrides
	not gateway.managed
	some id in (object.keys(gateway.overrides) - gateway.ids)
	finding := result.finding(rego.metadata.chain(), {
		"field": sprintf("spec.overrides.%s", [id]),
		"message": sprintf("must be for one of the clusters in spec.clusterIds, is for %s", [id]),
		"fix": sprintf("add %s to spec.clusterIds, or remove the override", [id]),
	})
}

deny contains finding if {
	input.gateway.spec.overrides
	not gateway.managed
	count(gateway.overrides) > 0
	count(gateway.ids) < fewest
	finding := result.finding(rego.metadata.chain(), {
		"field": "spec.overrides",
		"message": sprintf("must be absent with fewer than %d clusters, is set with %d", [fewest, count(gateway.ids)]),
		"fix": "write what the overrides say directly under spec",
	})
}
