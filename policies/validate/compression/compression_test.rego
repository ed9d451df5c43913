package validate.compression_test

import data.validate.compression

denial(path, message, fix) := {
	"code": "compression",
	"field": sprintf("spec.compression.%s", [path]),
	"message": message,
	"fix": fix,
}

filled_in := {
	"enabled": false,
	"min_content_length": 30,
	"disable_on_etag_header": false,
	"remove_accept_encoding_header": false,
}

gzip := {
	"memory_level": 5,
	"compression_level": "DEFAULT_COMPRESSION",
	"compression_strategy": "DEFAULT_STRATEGY",
	"window_bits": 12,
	"chunk_size": 4096,
}

test_accepts_none if {
	every input_ in [{}, {"gateway": {}}, {"gateway": {"spec": {}}}, {"gateway": {"spec": {"gatewayType": "egress"}}}] {
		compression.deny | compression.warn == set() with input as input_
	}
}

test_accepts_what_consoles_write if {
	every type in ["ingress", "egress"] {
		every written in [{}, filled_in, object.union(filled_in, {"gzip": gzip}), {"enabled": false}] {
			compression.deny | compression.warn == set()
				with input.gateway.spec as {"gatewayType": type, "compression": written}
		}
	}
}

test_accepts_what_envoy_takes if {
	every settings in [
		{},
		gzip,
		{"memory_level": 1, "window_bits": 9, "chunk_size": 4096, "compression_level": "BEST_SPEED", "compression_strategy": "RLE"},
		{"memory_level": 9, "window_bits": 15, "chunk_size": 65536, "compression_level": "COMPRESSION_LEVEL_9", "compression_strategy": "FIXED"},
	] {
		compression.deny | compression.warn == set() with input.gateway.spec.compression as {
			"enabled": true,
			"min_content_length": 0,
			"gzip": settings,
			"content_type": ["text/html"],
		}
	}
}

test_refuses_numbers_that_envoy_does_not_take if {
	every case in [
		["memory_level", 0, 1, 9], ["memory_level", 10, 1, 9], ["memory_level", "5", 1, 9],
		["window_bits", 8, 9, 15], ["window_bits", 16, 9, 15],
		["chunk_size", 4095, 4096, 65536], ["chunk_size", 65537, 4096, 65536],
	] {
		compression.deny == {denial(
			sprintf("gzip.%s", [case[0]]),
			sprintf("must be between %v and %v, is %v", [case[2], case[3], case[1]]),
			"choose a value in this range, or leave it out for Envoy's default",
		)} with input.gateway.spec.compression as {"gzip": {case[0]: case[1]}}
	}
}

test_refuses_a_length_that_envoy_does_not_take if {
	every length in [-1, 4294967296] {
		compression.deny == {denial(
			"min_content_length",
			sprintf("must be between 0 and 4294967295, is %d", [length]),
			"choose a value in this range, or leave it out for Envoy's default",
		)} with input.gateway.spec.compression.min_content_length as length
	}
}

test_refuses_words_that_envoy_does_not_know if {
	every word in ["DEFAULT", "fixed", "", 1] {
		compression.deny == {denial(
			"gzip.compression_strategy",
			sprintf("must be one of DEFAULT_STRATEGY, FILTERED, FIXED, HUFFMAN_ONLY, RLE, is %v", [word]),
			"choose one of them, or leave it out for Envoy's default",
		)} with input.gateway.spec.compression.gzip.compression_strategy as word
	}
	some refused in compression.deny with input.gateway.spec.compression.gzip.compression_level as "BEST"
	refused.field == "spec.compression.gzip.compression_level"
	endswith(refused.message, "COMPRESSION_LEVEL_9, DEFAULT_COMPRESSION, is BEST")
}

test_refuses_to_compress_on_the_way_out if {
	compression.deny == {denial(
		"enabled",
		"must be false on an egress gateway, is true",
		"remove spec.compression",
	)} with input.gateway.spec as {"gatewayType": "egress", "compression": {"enabled": true, "gzip": {}}}
}

test_warns_that_nothing_is_compressed_without_gzip if {
	compression.warn == {{
		"code": "compression",
		"field": "spec.compression.gzip",
		"message": "must be set for anything to be compressed, is absent",
		"fix": "write gzip: {} for Envoy's defaults",
	}} with input.gateway.spec.compression as object.union(filled_in, {"enabled": true})
}
