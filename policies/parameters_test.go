package policies_test

import (
	"encoding/json"
	"io/fs"
	"path"
	"slices"
	"strings"
	"testing"

	"portcullis.dev/portcullis/pkg/policy"
	"portcullis.dev/portcullis/policies"
)

// parametersSchema is the schema of the parameters.
func parametersSchema(t *testing.T) map[string]any {
	t.Helper()
	text, err := fs.ReadFile(policies.FS, "parameters.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	var schema map[string]any
	if err := json.Unmarshal(text, &schema); err != nil {
		t.Fatal(err)
	}
	return schema
}

// undescribed are the paths of the parameters in a schema that nothing is said of.
func undescribed(path string, schema map[string]any) []string {
	var out []string
	properties, _ := schema["properties"].(map[string]any)
	for name, property := range properties {
		fields := property.(map[string]any)
		at := path + "." + name
		if said, _ := fields["description"].(string); !strings.HasSuffix(said, ".") && !strings.Contains(said, ". ") {
			out = append(out, at)
		}
		out = append(out, undescribed(at, fields)...)
	}
	for _, word := range []string{"items", "additionalProperties"} {
		if inside, ok := schema[word].(map[string]any); ok {
			out = append(out, undescribed(path+"[]", inside)...)
		}
	}
	return out
}

func TestEveryParameterIsDescribed(t *testing.T) {
	for _, at := range undescribed("", parametersSchema(t)) {
		t.Errorf("parameters.schema.json does not describe %s", strings.TrimPrefix(at, "."))
	}
	if got := undescribed("", map[string]any{"properties": map[string]any{"a": map[string]any{
		"description": "A.", "additionalProperties": map[string]any{"properties": map[string]any{"b": map[string]any{}}},
	}}}); !slices.Equal(got, []string{".a[].b"}) {
		t.Errorf("undescribed are %v, want .a[].b", got)
	}
}

// TestEveryParameterHasASchema finds objects that would take any name: a misspelt one would be lost in them.
func TestEveryParameterHasASchema(t *testing.T) {
	schema := parametersSchema(t)
	for _, at := range open("", schema) {
		t.Errorf("parameters.schema.json lets anything be %s", at)
	}
	stated, _ := schema["properties"].(map[string]any)
	for code := range stated {
		if !slices.ContainsFunc(rules(t), func(folder string) bool { return path.Base(folder) == code }) {
			t.Errorf("parameters.schema.json has parameters of %s, which is no rule", code)
		}
	}
}

// open are the paths in a schema that say nothing of what may be there.
func open(path string, schema map[string]any) []string {
	var out []string
	properties, _ := schema["properties"].(map[string]any)
	_, isKeyed := schema["additionalProperties"]
	if schema["type"] == "object" && !isKeyed || schema["type"] == nil && schema["$ref"] == nil && schema["allOf"] == nil {
		out = append(out, path)
	}
	for name, property := range properties {
		out = append(out, open(path+"."+name, property.(map[string]any))...)
	}
	for _, word := range []string{"items", "additionalProperties"} {
		if inside, ok := schema[word].(map[string]any); ok {
			out = append(out, open(path+"[]", inside)...)
		}
	}
	return out
}

func TestDefaultsFitTheirSchemaAndOthersDoNot(t *testing.T) {
	newEngine(t)
	for name, test := range map[string]struct {
		own  map[string]any
		says string
	}{
		"a misspelt name":          {map[string]any{"namespace": map[string]any{"allow": []any{"a"}}}, "namespace.allow must be absent: no rule reads it"},
		"no namespace at all":      {map[string]any{"namespace": map[string]any{"allowed": []any{}}}, "namespace.allowed: Array must have at least 1 items"},
		"a port that is none":      {map[string]any{"ports": map[string]any{"reserved": []any{15000, 70000}}}, "ports.reserved.1: Must be less than or equal to 65535"},
		"a negative number":        {map[string]any{"drain": map[string]any{"mostSeconds": -1}}, "drain.mostSeconds: Must be greater than or equal to 1"},
		"a number for a version":   {map[string]any{"service": map[string]any{"classesSince": 1.18}}, "service.classesSince: Invalid type. Expected: string, given: number"},
		"a version that is none":   {map[string]any{"lifecycle": map[string]any{"sleepSince": "soon"}}, "lifecycle.sleepSince: Does not match pattern"},
		"a word that is none":      {map[string]any{"virtual_nodes": map[string]any{"serviceTypes": []any{"Balancer"}}}, "virtual_nodes.serviceTypes.0: "},
		"a misspelt part of a map": {map[string]any{"kernel_parameters": map[string]any{"supported": map[string]any{"net.core.somaxconn": map[string]any{"nodeWyde": true}}}}, "nodeWyde must be absent: no rule reads it"},
		"what a rule needs, gone":  {map[string]any{"autoscaling": map[string]any{"highestTarget": nil}}, "autoscaling: highestTarget is required"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := policy.New(t.Context(), policies.FS, policy.Options{Parameters: test.own})
			if err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("got %v, want %s", err, test.says)
			}
		})
	}
}
