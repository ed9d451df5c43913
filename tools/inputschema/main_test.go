package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

const crds = "../../charts/portcullis/files/crds"

func TestTheSchemaIsUpToDate(t *testing.T) {
	got, err := generate(crds)
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("../../policies/schemas/input.json")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("policies/schemas/input.json is stale, want it from make generate")
	}
}

func TestTheSchemaSaysWhatAValueMayBe(t *testing.T) {
	text, err := generate(crds)
	if err != nil {
		t.Fatal(err)
	}
	var schema map[string]any
	if err := json.Unmarshal(text, &schema); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]any{
		"definitions spec properties replicaCount type":                                     "integer",
		"definitions spec additionalProperties":                                             false,
		"definitions spec properties gatewayType enum":                                      []any{"ingress", "egress"},
		"definitions spec properties podLabels additionalProperties type":                   "string",
		"definitions spec properties overrides additionalProperties $ref":                   "#/definitions/override",
		"definitions override properties affinity $ref":                                     "#/definitions/spec/properties/affinity",
		"definitions facts properties virtualNodes enum":                                    []any{"None", "Some", "All"},
		"definitions status properties Status type":                                         "string",
		"definitions changeApproval properties changes items properties path type":          "string",
		"definitions spec properties ports items properties targetPort anyOf":               []any{map[string]any{"type": "integer"}, map[string]any{"type": "string"}},
		"definitions spec properties resources properties limits additionalProperties type": nil,
	} {
		if got := at(schema, strings.Fields(path)); !reflect.DeepEqual(got, want) {
			t.Errorf("%s is %v, want %v", path, got, want)
		}
	}
}

// at is what lies at a path.
func at(value any, path []string) any {
	for _, step := range path {
		object, _ := value.(map[string]any)
		value = object[step]
	}
	return value
}

func TestACRDWithoutWhatTheSchemaNeedsIsNamed(t *testing.T) {
	for name, test := range map[string]struct{ text, says string }{
		"no stored version": {"spec: {versions: [{name: v1, storage: false}]}", "CRD must have a stored version, has none"},
		"no spec":           {"spec: {versions: [{name: v1, storage: true, schema: {openAPIV3Schema: {properties: {}}}}]}", "has no spec"},
		"no YAML":           {"spec: [", "yaml"},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "crd.yaml")
			if err := os.WriteFile(file, []byte(test.text), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := read(file, []string{"spec"}); err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("got %v, want %s", err, test.says)
			}
		})
	}
	if _, err := generate(t.TempDir()); err == nil || !strings.Contains(err.Error(), ".yaml") {
		t.Errorf("got %v, want the file that is missing", err)
	}
}
