package policy

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
)

// ownFolder holds the modules of policies among all modules, a folder for each; the library has none of that name.
const ownFolder = "own/"

// ownName is the name of a policy that a package can be named after. Names of Kubernetes have no underscores, so that
// no two policies have one package.
var ownName = regexp.MustCompile(`^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$`)

// Policy is what a GatewayPolicy adds to the rules and changes of them, for the gateways that it matches.
type Policy struct {
	// Name of the policy.
	Name string
	// Match selects the gateways that the policy holds for.
	Match Match
	// Enforcement of the policy's own rules; Deny when empty.
	Enforcement Enforcement
	// Enforcements of single rules of the library or of the policy's own, by code.
	Enforcements map[string]Enforcement
	// Parameters of rules of the library, merged as Options.Parameters are, and of the policy's own rules.
	Parameters map[string]any
	// Modules are the policy's own Rego, by file name. With a policy's name p, hyphens written as underscores, their
	// packages are own.p.validate.<rule>, own.p.mutate.<rule> and, for what its rules share, own.p.lib.<name>. They
	// may read input, data.lib, data.parameters and their own root.
	Modules map[string]string
	// Tests are Rego tests of the modules, by file name; only Check reads them.
	Tests map[string]string
}

// root is the name of the policy as its packages have it.
func (p Policy) root() string {
	return strings.ReplaceAll(p.Name, "-", "_")
}

// addPolicies reads the modules of policies and checks them, each by itself and against each other.
func (s *ruleSet) addPolicies(policies []Policy) error {
	s.policies = slices.SortedFunc(slices.Values(policies), func(a, b Policy) int { return strings.Compare(a.Name, b.Name) })
	library, found := maps.Clone(s.rules), faults{}
	for _, policy := range s.policies {
		found.add(policy.Name, s.addModules(policy))
	}
	for _, policy := range s.policies {
		found.add(policy.Name, s.checkSettings(policy, library))
	}
	s.checkAgreement(found)
	return found.err()
}

// addModules reads a policy's own modules.
func (s *ruleSet) addModules(policy Policy) error {
	if len(policy.Modules) == 0 {
		return nil
	}
	if !ownName.MatchString(policy.Name) {
		return fmt.Errorf("metadata.name must be a DNS label that begins with a letter, for modules are named after it, is %s", policy.Name)
	}
	if !s.collectsOwn() {
		return errors.New("rules must collect data.own in main/ to have rules of policies beside them, do not")
	}
	modules, err := policy.parse(policy.Modules)
	if err != nil {
		return err
	}
	var errs []error
	for _, file := range slices.Sorted(maps.Keys(modules)) {
		s.sources[file], s.modules[file] = policy.Modules[strings.TrimPrefix(file, policy.folder())], modules[file]
		errs = append(errs, policy.checkReferences(modules[file]), s.addRule(policy, modules[file]))
	}
	return errors.Join(append(errs, s.checkDescribed(policy))...)
}

// folder is where the modules of a policy lie.
func (p Policy) folder() string {
	return ownFolder + p.Name + "/"
}

// parse parses modules or tests of a policy, all of them, so that their author sees every fault at once.
func (p Policy) parse(sources map[string]string) (map[string]*ast.Module, error) {
	out := map[string]*ast.Module{}
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(sources)) {
		file := p.folder() + name
		module, err := ast.ParseModuleWithOpts(file, sources[name], ast.ParserOptions{ProcessAnnotation: true, RegoVersion: ast.RegoV1})
		if err != nil {
			errs = append(errs, readable(err))
			continue
		}
		out[file] = module
	}
	return out, errors.Join(errs...)
}

// addRule notes which rule a module is of. A code that is somebody else's is refused: whoever reads a finding would
// look for its rule in the wrong place, and whoever sets its enforcement would set both.
func (s *ruleSet) addRule(policy Policy, module *ast.Module) error {
	kind, code, err := policy.packageOf(module, "")
	if err != nil || kind == "lib" {
		return err
	}
	if err := checkSets(module); err != nil {
		return err
	}
	of := s.rules[code]
	if of != nil && of.policy != policy.Name {
		return fmt.Errorf("%s: rule must have a code that no other has, has %s of %s", at(module.Package.Location), code, of.owner())
	}
	if of == nil {
		of = &rule{code: code, policy: policy.Name}
		s.rules[code] = of
	}
	of.add(kind, module)
	return nil
}

// packageOf is the kind and the name of what a module of a policy is about; suffix is what tells tests' packages.
func (p Policy) packageOf(module *ast.Module, suffix string) (kind, name string, err error) {
	path := make([]string, 0, len(module.Package.Path))
	for _, term := range module.Package.Path[1:] {
		text, _ := term.Value.(ast.String)
		path = append(path, string(text))
	}
	isIn := len(path) == 4 && path[0] == "own" && path[1] == p.root() && slices.Contains([]string{"validate", "mutate", "lib"}, path[2])
	if !isIn || !strings.HasSuffix(path[3], suffix) {
		return "", "", fmt.Errorf("%s: package must be own.%s.validate.<rule>%s, own.%s.mutate.<rule>%s or own.%s.lib.<name>%s, is %s",
			at(module.Package.Location), p.root(), suffix, p.root(), suffix, p.root(), suffix, strings.Join(path, "."))
	}
	return path[2], path[3], nil
}

// checkReferences refuses a module that reads what is not its own. What it cannot read it cannot depend on, and cannot
// put anything else in place of it either.
func (p Policy) checkReferences(module *ast.Module) error {
	var errs []error
	check := func(ref ast.Ref) bool {
		if ref.HasPrefix(ast.DefaultRootRef) && !p.mayRead(ref) {
			errs = append(errs, fmt.Errorf("%s: module must read data.lib, data.parameters or data.own.%s, reads %s", at(ref[0].Location), p.root(), ref))
		}
		return false
	}
	// Not the package, which is named like a reference and judged by itself.
	for _, imported := range module.Imports {
		ast.WalkRefs(imported, check)
	}
	for _, rule := range module.Rules {
		ast.WalkRefs(rule, check)
	}
	return errors.Join(errs...)
}

// mayRead says whether a policy's modules may read a reference into data.
func (p Policy) mayRead(ref ast.Ref) bool {
	reads := func(prefix ...string) bool {
		return ref.HasPrefix(ast.DefaultRootRef.Concat(terms(prefix)))
	}
	return reads("lib") || reads("parameters") || reads("own", p.root())
}

// terms are strings as terms.
func terms(texts []string) []*ast.Term {
	out := make([]*ast.Term, 0, len(texts))
	for _, text := range texts {
		out = append(out, ast.StringTerm(text))
	}
	return out
}

// checkDescribed refuses rules of a policy that do not say what they are for.
func (s *ruleSet) checkDescribed(policy Policy) error {
	var errs []error
	for _, code := range slices.Sorted(maps.Keys(s.rules)) {
		if of := s.rules[code]; of.policy == policy.Name && of.title == "" {
			errs = append(errs, fmt.Errorf("%s: METADATA of the package must have a title and a description, has not", of.place))
		}
	}
	return errors.Join(errs...)
}

// collectsOwn says whether the library's main asks the rules of policies at all. Rules of somebody's own that nobody
// asks would compile, and hold for nothing.
func (s *ruleSet) collectsOwn() bool {
	own := ast.DefaultRootRef.Concat(terms([]string{"own"}))
	found := false
	for name, module := range s.modules {
		if strings.HasPrefix(name, "main/") {
			ast.WalkRefs(module, func(ref ast.Ref) bool {
				found = found || ref.HasPrefix(own)
				return found
			})
		}
	}
	return found
}
