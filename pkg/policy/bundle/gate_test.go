package bundle

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/open-policy-agent/opa/v1/ast"
	opabundle "github.com/open-policy-agent/opa/v1/bundle"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
)

// stored is what a transaction wrote.
type stored struct {
	modules    map[string]string
	parameters any
	revision   string
}

// commit writes and commits a transaction at a gate, as OPA does.
func commit(t *testing.T, g *gate, what stored) error {
	t.Helper()
	ctx := t.Context()
	return storage.Txn(ctx, g, storage.WriteParams, func(txn storage.Transaction) error {
		manifest := opabundle.Manifest{Revision: what.revision}
		manifest.Init()
		errs := []error{
			opabundle.WriteManifestToStore(ctx, g, txn, g.bundle, manifest),
			g.Write(ctx, txn, storage.AddOp, storage.Path{"parameters"}, what.parameters),
		}
		for name, text := range what.modules {
			errs = append(errs, g.UpsertPolicy(ctx, txn, name, []byte(text)))
		}
		return errors.Join(errs...)
	})
}

// committed are the modules in a store.
func committed(t *testing.T, store storage.Store) []string {
	t.Helper()
	var names []string
	err := storage.Txn(t.Context(), store, storage.TransactionParams{}, func(txn storage.Transaction) (err error) {
		names, err = store.ListPolicies(t.Context(), txn)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestTheGateHandsOnWhatIsInTheBundle(t *testing.T) {
	tests := map[string]struct {
		modules []string
		want    string
	}{
		"as it lies in the bundle":            {[]string{"b/main/main.rego", "b/lib/x/x.rego"}, "lib/x/x.rego main/main.rego parameters.yaml"},
		"from a folder that was built":        {[]string{"b/build/main/main.rego", "b/build/lib/x/x.rego"}, "lib/x/x.rego main/main.rego parameters.yaml"},
		"from deep below":                     {[]string{"b/a/c/main/main.rego", "b/a/c/lib/x/x.rego"}, "lib/x/x.rego main/main.rego parameters.yaml"},
		"with a library called main":          {[]string{"b/main/main.rego", "b/lib/main/main.rego"}, "lib/main/main.rego main/main.rego parameters.yaml"},
		"with what lies beside, by its name":  {[]string{"b/build/main/main.rego", "b/other/x.rego"}, "b/other/x.rego main/main.rego parameters.yaml"},
		"without a main, for others to judge": {[]string{"b/lib/x/x.rego"}, "lib/x/x.rego parameters.yaml"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var got ruleSet
			g := &gate{Store: inmem.New(), bundle: "b", admit: func(_ context.Context, rules ruleSet) error {
				got = rules
				return nil
			}}
			modules := map[string]string{}
			for _, name := range test.modules {
				modules[name] = "package x"
			}
			if err := commit(t, g, stored{modules, map[string]any{"x": 1}, "A"}); err != nil {
				t.Fatal(err)
			}
			if names := strings.Join(slices.Sorted(maps.Keys(got.files)), " "); names != test.want {
				t.Errorf("got %s, want %s", names, test.want)
			}
			if text := string(got.files["parameters.yaml"].Data); got.revision != "A" || text != `{"x":1}` {
				t.Errorf("got revision %s and parameters %s", got.revision, text)
			}
		})
	}
}

func TestWhatIsRefusedIsNotCommitted(t *testing.T) {
	// As the engine wraps what does not compile; OPA would look for the ast.Errors in it.
	broken := errors.Join(errors.New("revision B"), ast.Errors{{Message: "unsafe"}})
	var refuse error
	g := &gate{Store: inmem.New(), bundle: "b", admit: func(context.Context, ruleSet) error { return refuse }}
	if err := commit(t, g, stored{map[string]string{"b/a.rego": "package a"}, map[string]any{}, "A"}); err != nil {
		t.Fatal(err)
	}
	refuse = broken
	err := commit(t, g, stored{map[string]string{"b/b.rego": "package b"}, map[string]any{}, "B"})
	if err == nil || err.Error() != broken.Error() {
		t.Errorf("got %v, want %v", err, broken)
	}
	if _, isList := errors.AsType[ast.Errors](err); isList {
		t.Error("OPA would drop the words around the compiler's")
	}
	refuse = nil
	if got := committed(t, g.Store); len(got) != 1 || got[0] != "b/a.rego" {
		t.Errorf("got %v in the store, want A's module alone", got)
	}
}

func TestTheGateLetsHousekeepingPass(t *testing.T) {
	g := &gate{Store: inmem.New(), bundle: "b", admit: func(context.Context, ruleSet) error { return errors.New("asked") }}
	if err := storage.WriteOne(t.Context(), g, storage.AddOp, storage.Path{"system"}, map[string]any{}); err != nil {
		t.Errorf("got %v, want no question before there is a bundle", err)
	}
}

func TestTheGateRefusesANameThatLeadsOut(t *testing.T) {
	g := &gate{Store: inmem.New(), bundle: "b", admit: func(context.Context, ruleSet) error { return nil }}
	err := commit(t, g, stored{map[string]string{"b/../../etc.rego": "package x"}, map[string]any{}, "A"})
	if err == nil || err.Error() != "reading the modules: name must be a path inside the bundle, is ../../etc.rego" {
		t.Errorf("got %v", err)
	}
}

func TestRevisionsAreShortAndPlain(t *testing.T) {
	for revision, good := range map[string]bool{
		"v1.2.3": true, "2026-11-25T10:00:00": true, "team/rules@sha256:0123": true, strings.Repeat("x", 100): true,
		"": false, "a b": false, "a\nb": false, `a"b`: false, "a+b": false, strings.Repeat("x", 101): false, "é": false,
	} {
		if err := checkRevision(revision); (err == nil) != good {
			t.Errorf("%q: got %v", revision, err)
		}
	}
}

func TestSetsAreTheSameByContent(t *testing.T) {
	set := func(revision, text string) ruleSet {
		return ruleSet{revision: revision, files: fstest.MapFS{"a.rego": {Data: []byte(text)}}}
	}
	if !set("A", "x").same(set("A", "x")) {
		t.Error("the same is another")
	}
	for name, other := range map[string]ruleSet{
		"another revision": set("B", "x"), "another text": set("A", "y"), "no file": {revision: "A"},
	} {
		if set("A", "x").same(other) {
			t.Errorf("%s is the same", name)
		}
	}
}
