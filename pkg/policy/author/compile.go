package author

import (
	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
)

// parse parses modules, by the name that each is shown under.
func parse(modules []module) (map[string]*ast.Module, error) {
	parsed := make(map[string]*ast.Module, len(modules))
	for _, module := range modules {
		one, err := module.parse()
		if err != nil {
			return nil, err
		}
		parsed[module.shown] = one
	}
	return parsed, nil
}

// compiler compiles as strictly as the engine does, and lets rules print, which the engine leaves out.
func (s *Set) compiler() *ast.Compiler {
	return ast.NewCompiler().
		WithStrict(true).
		WithCapabilities(s.capabilities).
		WithEnablePrintStatements(true).
		SetErrorLimit(0)
}

// store holds the parameters, and lets every GatewayPolicy match, so that its rules are asked.
func (s *Set) store() storage.Store {
	matching := []any{}
	for _, own := range s.Own() {
		matching = append(matching, PackageOf(own.Policy))
	}
	data := map[string]any{"parameters": s.all(), "matching": matching}
	return inmem.NewFromObjectWithOpts(data, inmem.OptReturnASTValuesOnRead(true))
}

// withoutTests are the modules that an engine compiles.
func (s *Set) withoutTests() []module {
	var rules []module
	for _, module := range s.modules {
		if !module.isTest() {
			rules = append(rules, module)
		}
	}
	return rules
}
