package render

import (
	"k8s.io/apimachinery/pkg/runtime/schema"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/gateway"
)

// The types of Envoy's that an EnvoyFilter names.
const (
	typeCompressor = "type.googleapis.com/envoy.extensions.filters.http.compressor.v3.Compressor"
	typeGzip       = "type.googleapis.com/envoy.extensions.compression.gzip.compressor.v3.Gzip"
)

// envoyFilter compresses responses; nil when nobody asks for it. The control plane pushes it to the pods, which do not
// restart for it. Compression is an ingress gateway's alone, and without gzip there is nothing to compress with.
func envoyFilter(p gateway.Placed) *Custom {
	compression := p.Spec.Compression
	if compression == nil || !valueOf(compression.Enabled) || compression.Gzip == nil || valueOf(p.Spec.GatewayType) == v1beta1.GatewayTypeEgress {
		return nil
	}
	return custom(p, schema.GroupVersionKind{Group: "networking.istio.io", Version: "v1alpha3", Kind: "EnvoyFilter"}, map[string]any{
		"workloadSelector": map[string]any{"labels": selector(p)},
		"configPatches": []any{map[string]any{
			"applyTo": "HTTP_FILTER",
			"match": map[string]any{
				"context": "GATEWAY",
				"listener": map[string]any{"filterChain": map[string]any{"filter": map[string]any{
					"name": "envoy.filters.network.http_connection_manager",
					// Last before the router: what other filters answer is compressed too.
					"subFilter": map[string]any{"name": "envoy.filters.http.router"},
				}}},
			},
			"patch": map[string]any{
				"operation": "INSERT_BEFORE",
				"value": map[string]any{
					"name":         "envoy.filters.http.compressor",
					"typed_config": compressor(compression),
				},
			},
		}},
	})
}

// compressor is Envoy's filter. What the user leaves out is left to Envoy, whose defaults are the documented ones.
func compressor(c *v1beta1.CompressorConfiguration) map[string]any {
	common := map[string]any{}
	withStated(common, "min_content_length", c.MinContentLength)
	if len(c.ContentType) > 0 {
		common["content_type"] = c.ContentType
	}
	responses := map[string]any{"common_config": common}
	withStated(responses, "disable_on_etag_header", c.DisableOnEtagHeader)
	withStated(responses, "remove_accept_encoding_header", c.RemoveAcceptEncodingHeader)
	return map[string]any{
		"@type":                     typeCompressor,
		"response_direction_config": responses,
		"compressor_library":        map[string]any{"name": "gzip", "typed_config": gzip(c.Gzip)},
	}
}

// gzip is Envoy's compressor.
func gzip(g *v1beta1.GzipCompressorConfiguration) map[string]any {
	out := map[string]any{"@type": typeGzip}
	withStated(out, "memory_level", g.MemoryLevel)
	withStated(out, "compression_level", g.CompressionLevel)
	withStated(out, "compression_strategy", g.CompressionStrategy)
	withStated(out, "window_bits", g.WindowBits)
	withStated(out, "chunk_size", g.ChunkSize)
	return out
}
