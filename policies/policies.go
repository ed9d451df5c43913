// Package policies holds the rules that judge and fill in gateways. A rule is a folder below mutate/ or validate/
// with its test; its name is its code. Numbers and lists that a platform team may want otherwise lie in
// parameters.yaml.
package policies

import (
	"embed"
)

// FS is the rules, their tests and their parameters, as the binaries carry them.
//
//go:embed main lib mutate validate parameters.yaml
var FS embed.FS
