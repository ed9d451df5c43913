package bundle

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing/fstest"

	opabundle "github.com/open-policy-agent/opa/v1/bundle"
	"github.com/open-policy-agent/opa/v1/storage"
)

// gate is OPA's store, with a say in what is committed to it. A bundle that is refused here is aborted there, so that
// OPA and we never disagree on which bundle is in force.
type gate struct {
	storage.Store
	// bundle is the bundle's name.
	bundle string
	// admit takes a set of rules or refuses it.
	admit func(context.Context, ruleSet) error
}

// ruleSet is what a bundle says.
type ruleSet struct {
	revision string
	files    fstest.MapFS
}

// Commit makes a transaction's writes last, unless they are rules that are refused.
func (g *gate) Commit(ctx context.Context, txn storage.Transaction) error {
	if err := g.ask(ctx, txn); err != nil {
		g.Abort(ctx, txn)
		// Not wrapped: OPA takes compile errors out of what they are wrapped in, and drops the words around them.
		return errors.New(err.Error())
	}
	return g.Store.Commit(ctx, txn)
}

// ask reads the rules of a transaction, if there are any, and has them admitted.
func (g *gate) ask(ctx context.Context, txn storage.Transaction) error {
	revision, err := opabundle.ReadBundleRevisionFromStore(ctx, g.Store, txn, g.bundle)
	if storage.IsNotFound(err) {
		// OPA's own housekeeping, before there is a bundle.
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading the manifest: %w", err)
	}
	if err := checkRevision(revision); err != nil {
		return err
	}
	files, err := g.modules(ctx, txn)
	if err != nil {
		return fmt.Errorf("reading the modules: %w", err)
	}
	data, err := g.data(ctx, txn)
	if err != nil {
		return fmt.Errorf("reading the data: %w", err)
	}
	maps.Copy(files, data)
	return g.admit(ctx, ruleSet{revision: revision, files: files})
}

// checkRevision refuses a revision that could not be read out of a decision, a log or a metric.
func checkRevision(revision string) error {
	if !regexp.MustCompile(`^[A-Za-z0-9._:/@-]{1,100}$`).MatchString(revision) {
		return fmt.Errorf(".manifest: revision must be 1 to 100 letters, digits and ._:/@-, is %q", revision)
	}
	return nil
}

// modules are the bundle's modules by their place in it.
func (g *gate) modules(ctx context.Context, txn storage.Transaction) (fstest.MapFS, error) {
	names, err := g.ListPolicies(ctx, txn)
	if err != nil {
		return nil, err
	}
	files, folder := fstest.MapFS{}, g.folder(names)
	for _, name := range names {
		text, err := g.GetPolicy(ctx, txn, name)
		if err != nil {
			return nil, err
		}
		// What is not in the folder keeps its whole name, and is refused for it.
		inside := strings.TrimPrefix(name, folder)
		if !fs.ValidPath(inside) {
			return nil, fmt.Errorf("name must be a path inside the bundle, is %s", inside)
		}
		files[inside] = &fstest.MapFile{Data: text}
	}
	return files, nil
}

// folder is what the names of all modules begin with. OPA's store puts the bundle's name before the names in a bundle, and
// opa build --bundle FOLDER puts the folder before those.
func (g *gate) folder(names []string) string {
	for _, name := range slices.SortedFunc(slices.Values(names), shorterFirst) {
		if folder, isMain := strings.CutSuffix(name, "/main/main.rego"); isMain {
			return folder + "/"
		}
	}
	return g.bundle + "/"
}

// shorterFirst orders names by their length.
func shorterFirst(a, b string) int {
	return cmp.Compare(len(a), len(b))
}

// data are the bundle's data.parameters and data.schemas, as the files that the library has in their place. JSON is YAML.
func (g *gate) data(ctx context.Context, txn storage.Transaction) (fstest.MapFS, error) {
	read, err := g.Read(ctx, txn, storage.RootPath)
	if err != nil {
		return nil, err
	}
	data, ok := read.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("data must be an object, is %T", read)
	}
	for _, key := range slices.Sorted(maps.Keys(data)) {
		// OPA keeps its own notes on the bundle below system.
		if !slices.Contains([]string{"parameters", "schemas", "system"}, key) {
			return nil, fmt.Errorf("data must be parameters and schemas alone, has %s", key)
		}
	}
	// Without parameters many a rule would find nothing to refuse.
	parameters, ok := data["parameters"].(map[string]any)
	if !ok {
		return nil, errors.New("data.parameters must be an object with the rules' parameters, is not (put parameters.yaml into the bundle as parameters/data.yaml)")
	}
	files := fstest.MapFS{}
	if err := put(files, "parameters.yaml", parameters); err != nil {
		return nil, err
	}
	schemas, _ := data["schemas"].(map[string]any)
	for name, file := range schemaFiles() {
		if schema, ok := schemas[name]; ok {
			if err := put(files, file, schema); err != nil {
				return nil, err
			}
		}
	}
	return files, nil
}

// put writes a value as a file of JSON.
func put(files fstest.MapFS, name string, value any) error {
	text, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("writing %s as JSON: %w", name, err)
	}
	files[name] = &fstest.MapFile{Data: text}
	return nil
}

// same says whether two sets are one.
func (s ruleSet) same(other ruleSet) bool {
	return s.revision == other.revision && maps.EqualFunc(s.files, other.files, func(a, b *fstest.MapFile) bool {
		return bytes.Equal(a.Data, b.Data)
	})
}
