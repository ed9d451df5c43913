// Package policies holds the rules that judge and fill in gateways. A rule is a folder below mutate/ or validate/
// with its test; its name is its code. Numbers and lists that a platform team may want otherwise lie in
// parameters.yaml.
package policies

import (
	"embed"
)

// FS is the rules, their tests, their parameters and the schemas of what they read, as the binaries carry them.
//
//go:embed main lib mutate validate schemas parameters.yaml parameters.schema.json
var FS embed.FS
