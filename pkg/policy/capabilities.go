package policy

import (
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
)

// Capabilities are what a rule may use: everything that gives the same answer to the same question, without
// asking anybody else. A decision can then be repeated, and no rule can carry what it reads out of the process.
func Capabilities() *ast.Capabilities {
	out := ast.CapabilitiesForThisVersion(ast.CapabilitiesRegoVersion(ast.RegoV1))
	out.Builtins = slices.DeleteFunc(slices.Clone(out.Builtins), reachesOutside)
	// Empty, not nil, which would be any: schemas may not refer to other hosts.
	out.AllowNet = []string{}
	return out
}

// reachesOutside says whether a built-in depends on more than its arguments: the network, the process, the
// clock or chance. Certificates and tokens are judged by the clock; time.now_ns and rand.intn are marked as
// not deterministic. Rules have input.now.
func reachesOutside(builtin *ast.Builtin) bool {
	family, _, _ := strings.Cut(builtin.Name, ".")
	switch family {
	case "http", "net", "opa", "providers", "rand", "uuid":
		return true
	}
	switch {
	case strings.HasPrefix(builtin.Name, "io.jwt."), strings.HasPrefix(builtin.Name, "crypto.x509."):
		return true
	case builtin.Name == ast.RegoParseModule.Name, builtin.Name == ast.Trace.Name:
		return true
	}
	return builtin.Nondeterministic
}
