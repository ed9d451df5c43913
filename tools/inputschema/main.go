// Command inputschema writes the JSON schema of what the rules read, from the CRDs: opa check --schema holds the rules
// to it, and so does a test.
package main

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"

	"sigs.k8s.io/yaml"
)

//go:embed frame.yaml
var frame []byte

// kept are the words of OpenAPI that JSON Schema has too and that tell what a value may be. Descriptions stay in the
// CRDs: kubectl explain shows them.
var kept = []string{
	"type", "enum", "pattern", "required", "items", "properties", "additionalProperties", "anyOf",
	"minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems",
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: inputschema CRDS")
		os.Exit(2)
	}
	schema, err := generate(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, "inputschema:", err)
		os.Exit(1)
	}
	if _, err := os.Stdout.Write(schema); err != nil {
		fmt.Fprintln(os.Stderr, "inputschema:", err)
		os.Exit(1)
	}
}

// generate is the schema, from the CRDs in a folder.
func generate(crds string) ([]byte, error) {
	var schema map[string]any
	if err := yaml.UnmarshalStrict(frame, &schema); err != nil {
		return nil, fmt.Errorf("reading the frame: %w", err)
	}
	definitions, _ := schema["definitions"].(map[string]any)
	for name, part := range map[string]struct {
		file string
		path []string
	}{
		"spec":           {"istio.alibabacloud.com_istiogateways.yaml", []string{"spec"}},
		"override":       {"istio.alibabacloud.com_istiogateways.yaml", []string{"spec", "properties", "overrides", "additionalProperties"}},
		"status":         {"istio.alibabacloud.com_istiogateways.yaml", []string{"status"}},
		"facts":          {"portcullis.dev_gatewayclusters.yaml", []string{"spec", "properties", "facts"}},
		"changeApproval": {"portcullis.dev_changeapprovals.yaml", []string{"spec"}},
	} {
		found, err := read(filepath.Join(crds, part.file), part.path)
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", part.file, err)
		}
		definitions[name] = plain(found)
	}
	shareOverride(definitions)
	out, err := json.MarshalIndent(schema, "", "  ")
	return append(out, '\n'), err
}

// read is the part of a CRD's stored schema below its properties.
func read(file string, path []string) (map[string]any, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var crd struct {
		Spec struct {
			Versions []struct {
				Storage bool
				Schema  struct {
					OpenAPIV3Schema struct{ Properties map[string]any }
				}
			}
		}
	}
	if err := yaml.Unmarshal(text, &crd); err != nil {
		return nil, err
	}
	for _, version := range crd.Spec.Versions {
		if !version.Storage {
			continue
		}
		at := version.Schema.OpenAPIV3Schema.Properties
		for _, step := range path {
			inside, ok := at[step].(map[string]any)
			if !ok {
				return nil, fmt.Errorf("schema must have %v, has no %s", path, step)
			}
			at = inside
		}
		return at, nil
	}
	return nil, fmt.Errorf("CRD must have a stored version, has none")
}

// plain is a schema of OpenAPI as JSON Schema: an object has the fields that it names and no other, as API servers hold
// it to.
func plain(schema map[string]any) map[string]any {
	out := map[string]any{}
	for _, word := range kept {
		value, stated := schema[word]
		if !stated {
			continue
		}
		switch value := value.(type) {
		case map[string]any:
			out[word] = plainIn(word, value)
		case []any:
			out[word] = plainItems(word, value)
		default:
			out[word] = value
		}
	}
	_, named := out["properties"]
	_, keyed := out["additionalProperties"]
	if named && !keyed {
		out["additionalProperties"] = false
	}
	return out
}

// plainIn is what a word with an object holds: schemas by name, or a schema.
func plainIn(word string, value map[string]any) any {
	if word != "properties" {
		return plain(value)
	}
	out := map[string]any{}
	for name, property := range value {
		out[name] = plain(property.(map[string]any))
	}
	return out
}

// plainItems is what a word with a list holds: schemas, or words.
func plainItems(word string, value []any) any {
	if word != "anyOf" {
		return value
	}
	out := make([]any, len(value))
	for i, alternative := range value {
		out[i] = plain(alternative.(map[string]any))
	}
	return out
}

// shareOverride writes what an override has in common with the spec once: affinities make up most of either.
func shareOverride(definitions map[string]any) {
	spec := definitions["spec"].(map[string]any)["properties"].(map[string]any)
	override := definitions["override"].(map[string]any)["properties"].(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(override)) {
		if reflect.DeepEqual(override[name], spec[name]) {
			override[name] = map[string]any{"$ref": "#/definitions/spec/properties/" + name}
		}
	}
	spec["overrides"].(map[string]any)["additionalProperties"] = map[string]any{"$ref": "#/definitions/override"}
}
