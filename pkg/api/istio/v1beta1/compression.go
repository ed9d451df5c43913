package v1beta1

// CompressorConfiguration is Envoy's response compression, with Envoy's defaults and ranges.
// https://www.envoyproxy.io/docs/envoy/latest/api-v3/extensions/filters/http/compressor/v3/compressor.proto
type CompressorConfiguration struct {
	// Whether responses are compressed; gzip must be set too. Default: false.
	//
	// +optional
	Enabled *bool `json:"enabled,omitempty"`
	// Smallest Content-Length, in bytes, that is compressed. Default: 30.
	//
	// +optional
	// +kubebuilder:validation:Minimum=0
	MinContentLength *int64 `json:"min_content_length,omitempty"`
	// Content types that are compressed. Default: Envoy's list of text, JSON, JavaScript, XHTML, XML and SVG.
	//
	// +optional
	// +listType=atomic
	ContentType []string `json:"content_type,omitempty"`
	// Whether responses with an ETag are left alone. Default: false.
	//
	// +optional
	DisableOnEtagHeader *bool `json:"disable_on_etag_header,omitempty"`
	// Whether Accept-Encoding is removed before a request is forwarded. Default: false.
	//
	// +optional
	RemoveAcceptEncodingHeader *bool `json:"remove_accept_encoding_header,omitempty"`
	// Settings of gzip; {} takes all defaults. Without it nothing is compressed.
	//
	// +optional
	Gzip *GzipCompressorConfiguration `json:"gzip,omitempty"`
}

// GzipCompressorConfiguration is Envoy's gzip compressor, with Envoy's defaults and ranges.
// https://www.envoyproxy.io/docs/envoy/latest/api-v3/extensions/compression/gzip/compressor/v3/gzip.proto
type GzipCompressorConfiguration struct {
	// Memory that zlib uses, 1 to 9; more is faster and compresses better. Default: 5.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=9
	MemoryLevel *int32 `json:"memory_level,omitempty"`
	// Speed against ratio: COMPRESSION_LEVEL_1 is fastest, COMPRESSION_LEVEL_9 smallest. Default:
	// DEFAULT_COMPRESSION.
	//
	// +optional
	// +kubebuilder:validation:Enum=DEFAULT_COMPRESSION;BEST_SPEED;BEST_COMPRESSION;COMPRESSION_LEVEL_1;COMPRESSION_LEVEL_2;COMPRESSION_LEVEL_3;COMPRESSION_LEVEL_4;COMPRESSION_LEVEL_5;COMPRESSION_LEVEL_6;COMPRESSION_LEVEL_7;COMPRESSION_LEVEL_8;COMPRESSION_LEVEL_9
	CompressionLevel *string `json:"compression_level,omitempty"`
	// Strategy of zlib, by the kind of data. Default: DEFAULT_STRATEGY.
	//
	// +optional
	// +kubebuilder:validation:Enum=DEFAULT_STRATEGY;FILTERED;FIXED;HUFFMAN_ONLY;RLE
	CompressionStrategy *string `json:"compression_strategy,omitempty"`
	// Size of the sliding window, as its base-2 logarithm, 9 to 15. Default: 12.
	//
	// +optional
	// +kubebuilder:validation:Minimum=9
	// +kubebuilder:validation:Maximum=15
	WindowBits *int32 `json:"window_bits,omitempty"`
	// Size of zlib's output buffer in bytes, 4096 to 65536. Default: 4096.
	//
	// +optional
	// +kubebuilder:validation:Minimum=4096
	// +kubebuilder:validation:Maximum=65536
	ChunkSize *int32 `json:"chunk_size,omitempty"`
}
