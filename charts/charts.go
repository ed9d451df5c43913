// Package charts embeds what the binaries need of the Helm charts beside it.
package charts

import "embed"

// CRDs holds the CustomResourceDefinitions, as files under portcullis/crds.
//
//go:embed portcullis/crds/*.yaml
var CRDs embed.FS
