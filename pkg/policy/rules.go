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
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
)

// revisionLength is how many hexadecimal digits of a hash name a set of rules: enough to tell any two that
// anyone will meet apart, short enough to be read out.
const revisionLength = 12

// ruleSet is a set of rules before it is compiled: what was read, and what can be told of it without asking.
type ruleSet struct {
	// sources and modules by file name: the text and what the parser made of it.
	sources map[string]string
	modules map[string]*ast.Module
	// parameters with the installation's own merged in.
	parameters map[string]any
}

// load reads and checks the rules of a file system.
func load(rules fs.FS, own map[string]any) (*ruleSet, error) {
	set := &ruleSet{sources: map[string]string{}, modules: map[string]*ast.Module{}}
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
	set.parameters, err = readParameters(rules, own)
	if err != nil {
		return nil, fmt.Errorf("reading the parameters: %w", err)
	}
	return set, nil
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
		if isRule(folder) {
			described[folder] = described[folder] || isDescribed(s.modules[name])
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

// isDescribed says whether a module says what its package is for.
func isDescribed(module *ast.Module) bool {
	return slices.ContainsFunc(module.Annotations, func(a *ast.Annotations) bool {
		return a.Scope == "package" && a.Title != "" && a.Description != ""
	})
}

// compile compiles all modules as one, because they import each other. Strictly: an import or a variable that
// nothing uses is mostly a misspelt one.
func (s *ruleSet) compile() (*ast.Compiler, error) {
	compiler := ast.NewCompiler().WithStrict(true).WithCapabilities(capabilities())
	if compiler.Compile(s.modules); compiler.Failed() {
		return nil, fmt.Errorf("compiling the rules: %w", compiler.Errors)
	}
	return compiler, nil
}

// store holds the parameters in the form that an evaluation reads, so that none converts them.
func (s *ruleSet) store() storage.Store {
	return inmem.NewFromObjectWithOpts(
		map[string]any{"parameters": s.parameters},
		inmem.OptReturnASTValuesOnRead(true),
	)
}

// revision names the rules and their parameters.
func (s *ruleSet) revision() string {
	// Written as JSON because its encoder sorts keys; strings, lists and objects can always be written.
	text, _ := json.Marshal([]any{s.sources, s.parameters})
	hash := sha256.Sum256(text)
	return hex.EncodeToString(hash[:])[:revisionLength]
}
