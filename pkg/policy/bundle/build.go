package bundle

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"

	opabundle "github.com/open-policy-agent/opa/v1/bundle"
	"sigs.k8s.io/yaml"
)

// BuildOptions say how a bundle is made.
type BuildOptions struct {
	// Revision that every decision by this bundle names.
	Revision string
	// SigningKey is a private key in PEM or, for HS algorithms, a secret; empty for a bundle without a signature.
	SigningKey string
	// Algorithm of the signature; RS256 when empty.
	Algorithm string
	// KeyID is the name of the key that verifies, as in the keys of the configuration; the configuration may state it
	// instead, as signing.keyid.
	KeyID string
}

// Build packs a folder of rules with the layout of policies/ into a bundle. Tests are left out.
func Build(out io.Writer, rules fs.FS, opts BuildOptions) error {
	if err := checkRevision(opts.Revision); err != nil {
		return err
	}
	built := opabundle.Bundle{Manifest: opabundle.Manifest{Revision: opts.Revision}}
	// Modules and data are of this version of Rego, whatever the reader's default is.
	built.Manifest.RegoVersion = new(1)
	built.Manifest.Init()
	if err := addModules(&built, rules); err != nil {
		return fmt.Errorf("reading the modules: %w", err)
	}
	parameters, err := readParameters(rules)
	if err != nil {
		return fmt.Errorf("reading parameters.yaml: %w", err)
	}
	schemas, err := readSchemas(rules)
	if err != nil {
		return fmt.Errorf("reading the schemas: %w", err)
	}
	built.Data = map[string]any{"parameters": parameters}
	if len(schemas) > 0 {
		built.Data["schemas"] = schemas
	}
	if opts.SigningKey != "" {
		signing := opabundle.NewSigningConfig(opts.SigningKey, opts.Algorithm, "")
		if err := built.GenerateSignature(signing, opts.KeyID, true); err != nil {
			return fmt.Errorf("signing: %w", err)
		}
	}
	return opabundle.NewWriter(out).UseModulePath(true).DisableFormat(true).Write(built)
}

// addModules adds the modules of a folder.
func addModules(built *opabundle.Bundle, rules fs.FS) error {
	return fs.WalkDir(rules, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || path.Ext(name) != ".rego" || strings.HasSuffix(name, "_test.rego") {
			return err
		}
		text, err := fs.ReadFile(rules, name)
		if err != nil {
			return err
		}
		built.Modules = append(built.Modules, opabundle.ModuleFile{Path: "/" + name, URL: "/" + name, Raw: text})
		return nil
	})
}

// readParameters reads the parameters of a folder; a folder of rules that need none may have no file for them.
func readParameters(rules fs.FS) (map[string]any, error) {
	parameters := map[string]any{}
	text, err := fs.ReadFile(rules, "parameters.yaml")
	if errors.Is(err, fs.ErrNotExist) {
		return parameters, nil
	}
	if err != nil {
		return nil, err
	}
	return parameters, yaml.UnmarshalStrict(text, &parameters)
}

// schemaFiles are the schemas of a library, by their names in data.schemas.
func schemaFiles() map[string]string {
	return map[string]string{"input": "schemas/input.json", "parameters": "parameters.schema.json"}
}

// readSchemas reads the schemas of a folder; rules for which nobody wrote any have none.
func readSchemas(rules fs.FS) (map[string]any, error) {
	schemas := map[string]any{}
	for name, file := range schemaFiles() {
		text, err := fs.ReadFile(rules, file)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		var schema map[string]any
		if err := json.Unmarshal(text, &schema); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		schemas[name] = schema
	}
	return schemas, nil
}
