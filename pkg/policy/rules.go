package policy

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
)

// revisionLength is how many hexadecimal digits of a hash name a set of rules: enough to tell any two that
// anyone will meet apart, short enough to be read out.
const revisionLength = 12

// ruleSet is a set of rules before it is compiled: what was read, and what can be told of it without asking.
type ruleSet struct {
	// sources and modules by file name: the text and what the parser made of it.
	sources map[string]string
	modules map[string]*ast.Module
	// rules by code, those of the library and those of policies.
	rules map[string]*rule
	// defaults are the parameters that the library comes with, parameters those with the configuration's merged in.
	defaults, parameters map[string]any
	// configuration is what the installation states for all gateways.
	configuration Configuration
	// policies in the order of their names.
	policies []Policy
}

// rule is what is known of a rule without asking it.
type rule struct {
	code, title string
	// place is where it is: a folder of the library, or a line in a policy's module.
	place string
	// policy that it is of; empty for one of the library.
	policy string
	// validates and mutates say what it does. One code may do both.
	validates, mutates bool
}

// add notes what a module of the rule says of it.
func (r *rule) add(kind string, module *ast.Module) {
	r.validates = r.validates || kind == "validate"
	r.mutates = r.mutates || kind == "mutate"
	if r.policy != "" && r.place == "" {
		r.place = at(module.Package.Location)
	}
	// Of a code that does both, what it refuses is what people ask about.
	if title := title(module); title != "" && (r.title == "" || kind == "validate") {
		r.title = title
	}
}

// owner names whose rule it is.
func (r *rule) owner() string {
	if r.policy == "" {
		return "the library"
	}
	return "GatewayPolicy " + r.policy
}

// load reads and checks the rules of a file system and of policies.
func load(rules fs.FS, opts Options) (*ruleSet, error) {
	set := &ruleSet{
		sources:       map[string]string{},
		modules:       map[string]*ast.Module{},
		rules:         map[string]*rule{},
		configuration: Configuration{Enforcement: opts.Enforcement, Parameters: opts.Parameters},
	}
	err := fs.WalkDir(rules, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() || path.Ext(name) != ".rego" || strings.HasSuffix(name, "_test.rego") {
			return nil
		}
		return set.add(rules, name)
	})
	if err != nil {
		return nil, fmt.Errorf("reading the rules: %w", err)
	}
	if err := set.check(); err != nil {
		return nil, fmt.Errorf("checking the rules: %w", err)
	}
	if set.defaults, err = readParameters(rules); err != nil {
		return nil, fmt.Errorf("reading the parameters: %w", err)
	}
	if err := set.configure(); err != nil {
		return nil, err
	}
	return set, set.addPolicies(opts.Policies)
}

// configure checks and takes in what the installation states for all gateways.
func (s *ruleSet) configure() error {
	if err := checkParameters(s.defaults, s.configuration.Parameters); err != nil {
		return fmt.Errorf("reading the parameters: %w", err)
	}
	if err := checkEnforcement(s.configuration.Enforcement, s.validating("")); err != nil {
		return fmt.Errorf("reading the enforcement: %w", err)
	}
	s.parameters = merge(s.defaults, s.configuration.Parameters)
	return nil
}

// validating are the codes of the validating rules of the library and of a policy.
func (s *ruleSet) validating(policy string) []string {
	var out []string
	for code, rule := range s.rules {
		if rule.validates && (rule.policy == "" || rule.policy == policy) {
			out = append(out, code)
		}
	}
	slices.Sort(out)
	return out
}

// add reads and parses one file.
func (s *ruleSet) add(rules fs.FS, name string) error {
	source, err := fs.ReadFile(rules, name)
	if err != nil {
		return err
	}
	module, err := ast.ParseModuleWithOpts(name, string(source), ast.ParserOptions{
		ProcessAnnotation: true,
		RegoVersion:       ast.RegoV1,
	})
	if err != nil {
		return err
	}
	s.sources[name], s.modules[name] = string(source), module
	return nil
}

// check refuses rules that would not be found, could not be named or do not say what they are for. A rule in the
// wrong package is the worst of them: it compiles, and nothing ever asks it.
func (s *ruleSet) check() error {
	described := map[string]bool{}
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(s.modules)) {
		folder := path.Dir(name)
		pkg := s.modules[name].Package
		is, want := strings.TrimPrefix(pkg.Path.String(), "data."), strings.ReplaceAll(folder, "/", ".")
		if is != want {
			errs = append(errs, fmt.Errorf("%s: package must be %s, as its folder, is %s", name, want, is))
		}
		if strings.HasPrefix(name, ownFolder) {
			errs = append(errs, fmt.Errorf("%s: folder must be another than %s, which is of GatewayPolicies", name, ownFolder))
		}
		if isRule(folder) {
			described[folder] = described[folder] || title(s.modules[name]) != ""
			errs = append(errs, checkSets(s.modules[name]))
			s.addOf(folder, s.modules[name])
		}
	}
	if len(described) == 0 {
		errs = append(errs, errors.New("there must be a rule in mutate/ or validate/, is none"))
	}
	for _, folder := range slices.Sorted(maps.Keys(described)) {
		if !described[folder] {
			errs = append(errs, fmt.Errorf("%s: METADATA of the package must have a title and a description, has not", folder))
		}
	}
	return errors.Join(errs...)
}

// isRule says whether a folder is a rule's.
func isRule(folder string) bool {
	kind, code := path.Split(folder)
	return code != "" && (kind == "mutate/" || kind == "validate/")
}

// addOf notes which rule of the library a module is of.
func (s *ruleSet) addOf(folder string, module *ast.Module) {
	kind, code := path.Split(folder)
	if s.rules[code] == nil {
		s.rules[code] = &rule{code: code, place: folder}
	}
	s.rules[code].add(strings.TrimSuffix(kind, "/"), module)
}

// checkSets refuses findings and items that are no sets: main/ would find nothing in a string, and say nothing.
func checkSets(module *ast.Module) error {
	var errs []error
	for _, rule := range module.Rules {
		name := rule.Head.Ref()[0].Value.String()
		if slices.Contains([]string{"deny", "warn", "ensure"}, name) && rule.Head.RuleKind() != ast.MultiValue {
			errs = append(errs, fmt.Errorf("%s: %s must be a set (%s contains …), is none", at(rule.Location), name, name))
		}
	}
	return errors.Join(errs...)
}

// title is what a module calls its package, if it also says what that is for.
func title(module *ast.Module) string {
	for _, said := range module.Annotations {
		if said.Scope == "package" && said.Title != "" && said.Description != "" {
			return said.Title
		}
	}
	return ""
}

// compile compiles all modules as one, because they import each other. Strictly: an import or a variable that
// nothing uses is mostly a misspelt one.
func (s *ruleSet) compile() (*ast.Compiler, error) {
	compiler := ast.NewCompiler().WithStrict(true).WithCapabilities(Capabilities()).SetErrorLimit(0)
	if compiler.Compile(s.modules); compiler.Failed() {
		return nil, fmt.Errorf("compiling the rules: %w", blame(compiler.Errors))
	}
	return compiler, nil
}

// revision names all that decides, and the library that it is of.
func (s *ruleSet) revision(library string) string {
	policies := make([]any, 0, len(s.policies))
	for _, policy := range s.policies {
		selector := ""
		if policy.Match.Labels != nil {
			selector = policy.Match.Labels.String()
		}
		policies = append(policies, []any{policy.Name, policy.Match.Namespaces, selector, policy.Enforcement, policy.Enforcements, policy.Parameters})
	}
	// Written as JSON because its encoder sorts keys; strings, lists and objects can always be written.
	text, _ := json.Marshal([]any{s.sources, s.parameters, s.configuration.Enforcement, policies})
	hash := sha256.Sum256(text)
	digits := hex.EncodeToString(hash[:])[:revisionLength]
	if library == "" {
		return digits
	}
	return library + "+" + digits
}
