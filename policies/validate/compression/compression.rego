# METADATA
# title: Compression
# description: >-
#   Envoy refuses a configuration with a value outside its ranges as a whole, and the gateway keeps the one before. On an
#   egress gateway, and without gzip, compression does nothing.
# related_resources:
#   - ref: https://help.aliyun.com/en/asm/sidecar/crd-fields-for-an-asm-gateway
#     description: ASM gateway CRD reference, Compression
#   - ref: https://www.envoyproxy.io/docs/envoy/latest/api-v3/extensions/filters/http/compressor/v3/compressor.proto
#     description: Envoy's compressor
#   - ref: https://www.envoyproxy.io/docs/envoy/latest/api-v3/extensions/compression/gzip/compressor/v3/gzip.proto
#     description: Envoy's gzip compressor, the range of each value
# custom:
#   absent:
#     - gateway.spec.compression.**
#     - gateway.spec.gatewayType
package validate.compression

import data.lib.result
import data.lib.words

parameters := data.parameters.compression

deny contains finding if {
	compression := input.gateway.spec.compression
	some path, range in parameters.ranges
	value := object.get(compression, split(path, "."), null)
	value != null
	not is_within(range, value)
	finding := result.finding(rego.metadata.chain(), {
		"field": sprintf("spec.compression.%s", [path]),
		"message": sprintf("must be between %v and %v, is %v", [range[0], range[1], value]),
		"fix": "choose a value in this range, or leave it out for Envoy's default",
	})
}

deny contains finding if {
	compression := input.gateway.spec.compression
	some path, choices in parameters.choices
	value := object.get(compression, split(path, "."), null)
	value != null
	not value in choices
	finding := result.finding(rego.metadata.chain(), {
		"field": sprintf("spec.compression.%s", [path]),
		"message": sprintf("must be %s, is %v", [words.one_of(choices), value]),
		"fix": "choose one of them, or leave it out for Envoy's default",
	})
}

deny contains finding if {
	input.gateway.spec.compression.enabled
	input.gateway.spec.gatewayType == "egress"
	finding := result.finding(rego.metadata.chain(), {
		"field": "spec.compression.enabled",
		"message": "must be false on an egress gateway, is true",
		"fix": "remove spec.compression",
	})
}

warn contains finding if {
	input.gateway.spec.compression.enabled
	not input.gateway.spec.compression.gzip
	finding := result.finding(rego.metadata.chain(), {
		"field": "spec.compression.gzip",
		"message": "must be set for anything to be compressed, is absent",
		"fix": "write gzip: {} for Envoy's defaults",
	})
}

is_within(range, value) if {
	is_number(value)
	value >= range[0]
	value <= range[1]
}
