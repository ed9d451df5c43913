// Package author is what the author of a rule needs besides the engine: it tests rules with coverage, holds them to
// their form, measures them, writes their page, and starts new ones. Like the engine it knows rules and JSON and none
// of our types.
//
// Rules lie in folders as they lie in a library (see package policy), each with its test:
//
//	validate/<rule>/<rule>.rego                  package validate.<rule>
//	validate/<rule>/<rule>_test.rego             package validate.<rule>_test
//	own/<policy>/validate/<rule>/<rule>.rego     package own.<policy>.validate.<rule>, a rule of a GatewayPolicy
//	parameters.yaml                              the parameters of rules, by code
//	own/<policy>/parameters.yaml                 those that the GatewayPolicy states
//
// Rules without a main/ of their own stand on a library: its modules are compiled with them and its parameters can be
// read, but it is neither tested nor judged. A folder that is in both is taken from the rules.
package author

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"testing/fstest"

	"github.com/open-policy-agent/opa/v1/ast"
	"sigs.k8s.io/yaml"
)

const (
	moduleSuffix   = ".rego"
	testSuffix     = "_test.rego"
	parametersFile = "parameters.yaml"
	// The schemas that an engine holds rules and their parameters to.
	parametersSchemaFile = "parameters.schema.json"
	inputSchemaFile      = "schemas/input.json"
)

// folders of a library; anything else that lies beside them is none of its business.
func folders() []string {
	return []string{"main", "lib", "mutate", "validate", "own"}
}

// Source says where rules lie.
type Source struct {
	// Rules with their tests and parameters.
	Rules fs.FS
	// Name that files of Rules are shown under, for example policies.
	Name string
	// Within are the folders of Rules that are asked about, by their path; all when empty.
	Within []string
	// Library that rules without a main/ stand on; none when nil.
	Library fs.FS
	// Capabilities of a rule: the engine's.
	Capabilities *ast.Capabilities
}

// Set is rules as they were read. It never changes.
type Set struct {
	// modules by path, those of the library among them.
	modules []module
	// parameters of the library, with the rules' own over them.
	parameters map[string]any
	// rulesOwn are those of the rules alone, and own those of GatewayPolicies by their names in Rego.
	rulesOwn parameters
	own      map[string]parameters
	// schemas of the input and of the parameters, by file.
	schemas map[string][]byte

	name         string
	capabilities *ast.Capabilities
}

// module is one file of Rego.
type module struct {
	// path in the library, for example validate/ports/ports.rego.
	path string
	// shown is the file's name as its author knows it.
	shown string
	text  []byte
	// asked is true for what the author asks about. What is not is only there to be compiled with it.
	asked bool
}

// isTest says whether the module is a test.
func (m module) isTest() bool {
	return strings.HasSuffix(m.path, testSuffix)
}

// folder is the module's folder in the library.
func (m module) folder() string {
	return path.Dir(m.path)
}

// parse parses the module with its METADATA.
func (m module) parse() (*ast.Module, error) {
	return ast.ParseModuleWithOpts(m.shown, string(m.text), ast.ParserOptions{ProcessAnnotation: true, RegoVersion: ast.RegoV1})
}

// Load reads rules. It parses none of them: what cannot be parsed is for Lint to say.
func Load(source Source) (*Set, error) {
	set := &Set{name: source.Name, capabilities: source.Capabilities}
	if err := set.add(source.Rules, source.Name, nil); err != nil {
		return nil, fmt.Errorf("reading the rules: %w", err)
	}
	for i, module := range set.modules {
		set.modules[i].asked = isWithin(module.path, source.Within)
	}
	if !slices.ContainsFunc(set.modules, func(m module) bool { return m.asked }) {
		return nil, fmt.Errorf("reading the rules: there must be Rego in %s, is none", strings.Join(shownUnder(source), ", "))
	}
	var err error
	if set.rulesOwn, err = readParameters(source.Rules, parametersFile); err != nil {
		return nil, fmt.Errorf("reading the parameters: %s: %w", path.Join(source.Name, parametersFile), err)
	}
	if err := set.readOwn(source.Rules); err != nil {
		return nil, fmt.Errorf("reading the parameters: %w", err)
	}
	set.parameters = set.rulesOwn.values
	if set.schemas, err = readSchemas(source.Rules); err != nil {
		return nil, fmt.Errorf("reading the schemas: %w", err)
	}
	if isLibrary := len(set.in("main")) > 0; isLibrary || source.Library == nil {
		return set, nil
	}
	return set, set.standOn(source.Library)
}

// standOn adds a library's modules and parameters beneath those of the set.
func (s *Set) standOn(library fs.FS) error {
	own := map[string]bool{}
	for _, module := range s.modules {
		own[module.folder()] = true
	}
	if err := s.add(library, "portcullis", own); err != nil {
		return fmt.Errorf("reading the library: %w", err)
	}
	parameters, err := readParameters(library, parametersFile)
	if err != nil {
		return fmt.Errorf("reading the library's parameters: %w", err)
	}
	s.parameters = merge(parameters.values, s.parameters)
	schemas, err := readSchemas(library)
	if err != nil {
		return fmt.Errorf("reading the library's schemas: %w", err)
	}
	// The library's schema knows nothing of parameters that rules bring; who brings some describes all.
	if len(s.rulesOwn.values) > 0 {
		delete(schemas, parametersSchemaFile)
	}
	maps.Copy(schemas, s.schemas)
	s.schemas = schemas
	return nil
}

// readSchemas reads the schemas of a library; rules for which nobody wrote any have none.
func readSchemas(library fs.FS) (map[string][]byte, error) {
	out := map[string][]byte{}
	for _, file := range []string{inputSchemaFile, parametersSchemaFile} {
		text, err := fs.ReadFile(library, file)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		out[file] = text
	}
	return out, nil
}

// add reads every module of a library, except those in some folders. The tests of what rules stand on are not theirs
// to run: hidden is nil where the tests are wanted.
func (s *Set) add(library fs.FS, name string, hidden map[string]bool) error {
	for _, folder := range folders() {
		err := fs.WalkDir(library, folder, func(file string, entry fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrNotExist) && file == folder {
				return nil
			}
			isForeignTest := hidden != nil && strings.HasSuffix(file, testSuffix)
			if err != nil || entry.IsDir() || path.Ext(file) != moduleSuffix || hidden[path.Dir(file)] || isForeignTest {
				return err
			}
			text, err := fs.ReadFile(library, file)
			s.modules = append(s.modules, module{path: file, shown: path.Join(name, file), text: text})
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// in are the modules in a folder and the folders in it.
func (s *Set) in(folder string) []module {
	return slices.DeleteFunc(slices.Clone(s.modules), func(m module) bool { return !isWithin(m.path, []string{folder}) })
}

// asked are the modules that the author asks about.
func (s *Set) asked() []module {
	return slices.DeleteFunc(slices.Clone(s.modules), func(m module) bool { return !m.asked })
}

// Rules are the folders of the rules that the author asks about, in order.
func (s *Set) Rules() []string {
	rules := map[string]bool{}
	for _, module := range s.asked() {
		if isRule(module.folder()) {
			rules[module.folder()] = true
		}
	}
	return slices.Sorted(maps.Keys(rules))
}

// FS is the set as an engine compiles it: the rules and what they stand on, without tests and without the rules of
// GatewayPolicies, which Own has.
func (s *Set) FS() (fs.FS, error) {
	// Meant for tests and exactly what is wanted: files that lie nowhere.
	files := fstest.MapFS{}
	for _, module := range s.modules {
		if !module.isTest() && !isWithin(module.path, []string{"own"}) {
			files[module.path] = &fstest.MapFile{Data: module.text}
		}
	}
	text, err := yaml.Marshal(s.parameters)
	if err != nil {
		return nil, fmt.Errorf("writing the parameters: %w", err)
	}
	files[parametersFile] = &fstest.MapFile{Data: text}
	for file, text := range s.schemas {
		files[file] = &fstest.MapFile{Data: text}
	}
	return files, nil
}

// isRule says whether a folder is a rule's.
func isRule(folder string) bool {
	parts := strings.Split(folder, "/")
	if parts[0] == "own" && len(parts) > 2 {
		parts = parts[2:]
	}
	return len(parts) == 2 && (parts[0] == "mutate" || parts[0] == "validate")
}

// isWithin says whether a path is in one of some folders; in none it is everywhere.
func isWithin(name string, folders []string) bool {
	return len(folders) == 0 || slices.ContainsFunc(folders, func(folder string) bool {
		return folder == "." || strings.HasPrefix(name, folder+"/")
	})
}

// shownUnder are the folders that are asked about as their author knows them.
func shownUnder(source Source) []string {
	if len(source.Within) == 0 {
		return []string{path.Join(source.Name, ".")}
	}
	var shown []string
	for _, folder := range source.Within {
		shown = append(shown, path.Join(source.Name, folder))
	}
	return shown
}
