// Package charts embeds what the binaries need of the Helm charts beside it.
package charts

import "embed"

// CRDs holds the CustomResourceDefinitions, as files under portcullis/files/crds.
//
//go:embed portcullis/files/crds/*.yaml
var CRDs embed.FS
