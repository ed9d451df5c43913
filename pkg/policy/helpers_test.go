package policy_test

import (
	"encoding/json"
	"io/fs"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"portcullis.dev/portcullis/pkg/policy"
)

// described is METADATA as New wants it of a rule.
const described = "# METADATA\n# scope: package\n# title: A rule\n# description: Why it is.\n"

// ruleParameters is the schema of the parameters of quiet.
const ruleParameters = `{
	"type": "object", "additionalProperties": false, "required": ["rule"],
	"properties": {"rule": {
		"type": "object", "additionalProperties": false, "required": ["list", "number"],
		"properties": {
			"list": {"type": "array", "minItems": 1, "items": {"type": "string"}},
			"number": {"type": "integer", "minimum": 1},
			"object": {"type": "object", "additionalProperties": {"type": ["integer", "object"]}},
			"strict": {"type": "object", "additionalProperties": false, "properties": {"deep": {"type": "array", "items": {"$ref": "schemas/input.json#/definitions/port"}}}},
			"text": {"type": "string"},
			"switch": {"type": "boolean"}
		}
	}}
}`

// quiet is a set of rules that compiles and says nothing.
func quiet() map[string]string {
	return map[string]string{
		"main/main.rego":             "package main\n\nmutate := {\"fill\": [], \"ensure\": []}\n\nvalidate := {\"deny\": [], \"warn\": []}\n",
		"validate/rule/rule.rego":    described + "package validate.rule\n\ndeny contains 1 if input.never\n",
		"validate/rule/rule_test.go": "not Rego",
		"parameters.yaml":            "rule: {list: [a], number: 1, object: {a: 1, b: 2}, text: a, switch: false}\n",
		"parameters.schema.json":     ruleParameters,
		"schemas/input.json":         `{"type": "object", "definitions": {"port": {"type": "integer", "maximum": 65535}}}`,
	}
}

// with is a set of rules with some files changed; an empty file is taken away.
func with(files map[string]string, changes map[string]string) fs.FS {
	out := fstest.MapFS{}
	for name, text := range files {
		out[name] = &fstest.MapFile{Data: []byte(text)}
	}
	for name, text := range changes {
		out[name] = &fstest.MapFile{Data: []byte(text)}
		if text == "" {
			delete(out, name)
		}
	}
	return out
}

// answering is a set of rules that gives the same answer to every question.
func answering(mutate, validate string) fs.FS {
	return with(quiet(), map[string]string{"main/main.rego": "package main\n\nmutate := " + mutate + "\n\nvalidate := " + validate + "\n"})
}

// newEngine compiles rules.
func newEngine(tb testing.TB, rules fs.FS) *policy.Engine {
	tb.Helper()
	// A loaded machine is no reason to fail: what is tested here is not the time.
	engine, err := policy.New(tb.Context(), rules, policy.Options{Deadline: time.Minute})
	if err != nil {
		tb.Fatal(err)
	}
	return engine
}

// object is an object of JSON, as an API server sends it.
func object(tb testing.TB, text string) map[string]any {
	tb.Helper()
	var out map[string]any
	if err := json.Unmarshal([]byte(text), &out); err != nil {
		tb.Fatal(err)
	}
	return out
}

// creating is the input for the creation of a gateway.
func creating(gateway any) policy.Input {
	return policy.Input{Request: policy.Request{Operation: "CREATE"}, Gateway: gateway}
}

// expectError fails unless an error says all of some things.
func expectError(tb testing.TB, err error, says ...string) {
	tb.Helper()
	if err == nil {
		tb.Fatalf("no error, want one that says %q", says)
	}
	for _, part := range says {
		if !strings.Contains(err.Error(), part) {
			tb.Errorf("error %q does not say %q", err, part)
		}
	}
}

// expectJSON fails unless a value is the same JSON as a text.
func expectJSON(tb testing.TB, got any, want string) {
	tb.Helper()
	text, err := json.Marshal(got)
	if err != nil {
		tb.Fatal(err)
	}
	var left, right any
	if err := json.Unmarshal(text, &left); err != nil {
		tb.Fatal(err)
	}
	if err := json.Unmarshal([]byte(want), &right); err != nil {
		tb.Fatal(err)
	}
	if !reflect.DeepEqual(left, right) {
		tb.Errorf("got %s, want %s", text, want)
	}
}
