package policies_test

import (
	"io/fs"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
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
