package charts_test

import (
	"encoding/json"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// free are the objects that may hold any key, and why.
var free = map[string]string{
	"global":                      "Helm hands it to every chart",
	"webhook.config.parameters.*": "the rule whose parameters they are says what there is, and that may be one of a bundle",
	"policies.*.parameters":       "the rules say what there is, and the API server refuses the others",
}

// schema is a part of values.schema.json.
type schema struct {
	Ref                  string             `json:"$ref"`
	Type                 any                `json:"type"`
	Enum                 []any              `json:"enum"`
	Properties           map[string]*schema `json:"properties"`
	Items                *schema            `json:"items"`
	AdditionalProperties json.RawMessage    `json:"additionalProperties"`
	Definitions          map[string]*schema `json:"definitions"`
}

// visit calls a function for every part of a schema, with the path of the values that it is about.
func (s *schema) visit(t *testing.T, root *schema, path string, each func(path string, part *schema)) {
	t.Helper()
	if name, ok := strings.CutPrefix(s.Ref, "#/definitions/"); ok {
		if root.Definitions[name] == nil {
			t.Fatalf("%s: there is no definition %s", path, name)
		}
		s = root.Definitions[name]
	}
	each(path, s)
	for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
		s.Properties[name].visit(t, root, join(path, name), each)
	}
	if s.Items != nil {
		s.Items.visit(t, root, path+"[]", each)
	}
	if rest := s.rest(t); rest != nil {
		rest.visit(t, root, join(path, "*"), each)
	}
}

// rest is what holds for keys that are not named; nil when there may be none, or any.
func (s *schema) rest(t *testing.T) *schema {
	t.Helper()
	if len(s.AdditionalProperties) == 0 || s.AdditionalProperties[0] != '{' {
		return nil
	}
	out := &schema{}
	if err := json.Unmarshal(s.AdditionalProperties, out); err != nil {
		t.Fatal(err)
	}
	return out
}

// join is a path with one more key.
func join(path, name string) string {
	return strings.TrimPrefix(path+"."+name, ".")
}

// read reads a file of the chart.
func read(t *testing.T, name string, into any) {
	t.Helper()
	text, err := os.ReadFile("portcullis/" + name)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(text, into); err != nil {
		t.Fatal(err)
	}
}

// known are all parts of the schema, by the path of the values that they are about.
func known(t *testing.T) map[string]*schema {
	t.Helper()
	root, parts := &schema{}, map[string]*schema{}
	read(t, "values.schema.json", root)
	root.visit(t, root, "", func(path string, part *schema) { parts[path] = part })
	return parts
}

func TestAMisspeltValueIsRefusedAtEveryLevel(t *testing.T) {
	objects := 0
	for path, part := range known(t) {
		if part.Type == nil && part.Enum == nil {
			t.Errorf("%s: the schema says nothing of what it may be", path)
		}
		if part.Type != "object" {
			continue
		}
		objects++
		closed := string(part.AdditionalProperties) == "false" || part.rest(t) != nil
		if reason := free[path]; closed == (reason != "") {
			t.Errorf("%s: takes any key is %t, and the reason for that is %q", path, !closed, reason)
		}
	}
	if objects < 50 {
		t.Errorf("saw %d objects, want all of them", objects)
	}
}

func TestTheSchemaKnowsTheValuesThatThereAre(t *testing.T) {
	values, parts := map[string]any{}, known(t)
	read(t, "values.yaml", &values)
	var visit func(path string, value map[string]any)
	visit = func(path string, value map[string]any) {
		for name, below := range value {
			at := join(path, name)
			part := parts[at]
			if part == nil && parts[join(path, "*")] != nil {
				continue
			}
			if part == nil {
				t.Errorf("%s: is a value that the schema does not know", at)
				continue
			}
			if object, ok := below.(map[string]any); ok && len(object) > 0 {
				visit(at, object)
				for key := range part.Properties {
					// Of these Kubernetes says what there is, and the values state what is wanted.
					if _, stated := object[key]; !stated && name != "resources" {
						t.Errorf("%s: the schema knows it, and values.yaml does not", join(at, key))
					}
				}
			}
		}
	}
	visit("", values)
	for name := range parts[""].Properties {
		if _, stated := values[name]; !stated && free[name] == "" {
			t.Errorf("%s: the schema knows it, and values.yaml does not", name)
		}
	}
}
