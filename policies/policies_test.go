package policies_test

import (
	"bytes"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/cover"
	"github.com/open-policy-agent/opa/v1/format"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
	"github.com/open-policy-agent/opa/v1/tester"
	"sigs.k8s.io/yaml"

	"portcullis.dev/portcullis/policies"
)

const testSuffix = "_test.rego"

// parse parses every module, tests included.
func parse(t *testing.T) map[string]*ast.Module {
	t.Helper()
	modules := map[string]*ast.Module{}
	for name, source := range sources(t) {
		module, err := ast.ParseModuleWithOpts(name, string(source), ast.ParserOptions{ProcessAnnotation: true, RegoVersion: ast.RegoV1})
		if err != nil {
			t.Fatal(err)
		}
		modules[name] = module
	}
	return modules
}

// sources are the texts of all modules by file name.
func sources(t *testing.T) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	err := fs.WalkDir(policies.FS, ".", func(name string, _ fs.DirEntry, err error) error {
		if err != nil || path.Ext(name) != ".rego" {
			return err
		}
		out[name], err = fs.ReadFile(policies.FS, name)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// rules are the folders below mutate/ and validate/.
func rules(t *testing.T) []string {
	t.Helper()
	out, err := fs.Glob(policies.FS, "[mv]*/*")
	if err != nil {
		t.Fatal(err)
	}
	out = slices.DeleteFunc(out, func(name string) bool { return path.Dir(name) == "main" })
	if len(out) == 0 {
		t.Fatal("there is no rule")
	}
	return out
}

// TestRego runs the tests of the rules, and wants every line of every rule to be covered by them.
func TestRego(t *testing.T) {
	modules := parse(t)
	store, txn := parameters(t)
	coverage := cover.New()
	results, err := tester.NewRunner().
		SetCompiler(ast.NewCompiler().WithStrict(true).WithEnablePrintStatements(true)).
		SetModules(modules).
		SetStore(store).
		SetTimeout(time.Minute).
		SetCoverageQueryTracer(coverage).
		SetCoverageRuns(nil).
		RaiseBuiltinErrors(true).
		RunTests(t.Context(), txn)
	if err != nil {
		t.Fatal(err)
	}
	ran := 0
	for result := range results {
		ran++
		t.Run(strings.TrimPrefix(result.Package, "data.")+"/"+result.Name, func(t *testing.T) {
			if !result.Pass() {
				t.Errorf("%s: %v\n%s", result.Location, result, result.Output)
			}
		})
	}
	if ran < len(rules(t)) {
		t.Errorf("%d tests ran, want at least one for each rule", ran)
	}
	report := coverage.Report(modules)
	for _, name := range slices.Sorted(maps.Keys(modules)) {
		if report.Files[name] == nil || strings.HasSuffix(name, testSuffix) {
			continue
		}
		for _, lines := range report.Files[name].NotCovered {
			t.Errorf("%s:%d-%d is covered by no test", name, lines.Start.Row, lines.End.Row)
		}
	}
}

// parameters is a store with the parameters that rules come with.
func parameters(t *testing.T) (storage.Store, storage.Transaction) {
	t.Helper()
	text, err := fs.ReadFile(policies.FS, "parameters.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var values map[string]any
	if err := yaml.UnmarshalStrict(text, &values); err != nil {
		t.Fatal(err)
	}
	store := inmem.NewFromObject(map[string]any{"parameters": values})
	txn, err := store.NewTransaction(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return store, txn
}

func TestRulesAreFormatted(t *testing.T) {
	for name, source := range sources(t) {
		formatted, err := format.SourceWithOpts(name, source, format.Opts{RegoVersion: ast.RegoV1})
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(formatted, source) {
			t.Errorf("%s is not as opa fmt writes it", name)
		}
	}
}

func TestPackagesAreNamedAfterTheirFolders(t *testing.T) {
	for name, module := range parse(t) {
		want := "data." + strings.ReplaceAll(path.Dir(name), "/", ".")
		if strings.HasSuffix(name, testSuffix) {
			want += "_test"
		}
		if got := module.Package.Path.String(); got != want {
			t.Errorf("package of %s is %s, want %s", name, got, want)
		}
	}
}

func TestEveryRuleSaysWhatItIsForAndWhere(t *testing.T) {
	modules := parse(t)
	for _, folder := range rules(t) {
		said := annotations(modules, folder)
		if said == nil {
			t.Errorf("%s has no METADATA", folder)
			continue
		}
		if said.Title == "" || said.Description == "" {
			t.Errorf("METADATA of %s has title %q and description %q, want both", folder, said.Title, said.Description)
		}
		sources, _ := said.Custom["sources"].([]any)
		if len(said.RelatedResources)+len(sources) == 0 {
			t.Errorf("METADATA of %s names no related_resources and no custom.sources, want where its facts come from", folder)
		}
		for _, resource := range said.RelatedResources {
			if resource.Ref.Scheme != "https" || resource.Description == "" {
				t.Errorf("METADATA of %s refers to %s, want a public page and what is read there", folder, resource.Ref.String())
			}
		}
	}
}

// annotations are the METADATA of a folder's package.
func annotations(modules map[string]*ast.Module, folder string) *ast.Annotations {
	for name, module := range modules {
		if path.Dir(name) != folder || strings.HasSuffix(name, testSuffix) {
			continue
		}
		for _, said := range module.Annotations {
			if said.Scope == "package" {
				return said
			}
		}
	}
	return nil
}

func TestEveryFileOfARuleIsThere(t *testing.T) {
	modules := parse(t)
	for _, folder := range rules(t) {
		base := path.Join(folder, path.Base(folder))
		for _, name := range []string{base + ".rego", base + testSuffix} {
			if modules[name] == nil {
				t.Errorf("%s is missing", name)
			}
		}
	}
}

// TestOnlyOneHelperWritesCodes holds rules to lib.result: a code that is written by hand drifts from its folder.
func TestOnlyOneHelperWritesCodes(t *testing.T) {
	for name, module := range parse(t) {
		if !strings.HasPrefix(name, "validate/") || strings.HasSuffix(name, testSuffix) {
			continue
		}
		ast.WalkTerms(module, func(term *ast.Term) bool {
			if object, ok := term.Value.(ast.Object); ok && object.Get(ast.StringTerm("code")) != nil {
				t.Errorf("%s writes a code, want it from lib.result", term.Location)
			}
			return false
		})
	}
}

func TestEveryParameterIsOfARule(t *testing.T) {
	store, txn := parameters(t)
	values, err := store.Read(t.Context(), txn, storage.MustParsePath("/parameters"))
	if err != nil {
		t.Fatal(err)
	}
	var codes []string
	for _, folder := range rules(t) {
		codes = append(codes, path.Base(folder))
	}
	for code := range values.(map[string]any) {
		if !slices.Contains(codes, code) {
			t.Errorf("parameters of %s are of no rule", code)
		}
	}
}
