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
	// schemas of what rules read, and parametersSchema that of their parameters; nil where nothing describes it.
	schemas          *ast.SchemaSet
	parametersSchema map[string]any
}

// inputSchemaFile describes the input, as opa check --schema reads it.
const inputSchemaFile = "schemas/input.json"

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
	if set.schemas, err = readSchemas(rules); err != nil {
		return nil, fmt.Errorf("reading the schema of the input: %w", err)
	}
	if set.defaults, err = readParameters(rules); err != nil {
		return nil, fmt.Errorf("reading the parameters: %w", err)
	}
	if set.parametersSchema, err = readParametersSchema(rules); err != nil {
		return nil, fmt.Errorf("reading the parameters: %w", err)
	}
	if err := set.configure(); err != nil {
		return nil, err
	}
	return set, set.addPolicies(opts.Policies)
}

// readSchemas reads what rules may read, so that a misspelt field of the input is refused: undefined for ever, it
// would let in what the rule was written to refuse.
func readSchemas(rules fs.FS) (*ast.SchemaSet, error) {
	var schema any
	err := readJSON(rules, inputSchemaFile, &schema)
	if err != nil || schema == nil {
		return nil, err
	}
	schemas := ast.NewSchemaSet()
	schemas.Put(ast.SchemaRootRef, schema)
	return schemas, nil
}

// readJSON reads a file into a value, which stays as it is where there is no such file.
func readJSON(files fs.FS, name string, into any) error {
	text, err := fs.ReadFile(files, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// configure checks and takes in what the installation states for all gateways.
func (s *ruleSet) configure() error {
	if err := s.checkParameters(s.defaults, s.configuration.Parameters); err != nil {
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

// compile compiles all modules as one, because they import each other. Strictly: an import or a variable that
// nothing uses is mostly a misspelt one.
func (s *ruleSet) compile() (*ast.Compiler, error) {
	compiler := ast.NewCompiler().WithStrict(true).WithCapabilities(Capabilities()).WithSchemas(s.schemas).SetErrorLimit(0)
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
