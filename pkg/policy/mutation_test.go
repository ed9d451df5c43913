package policy_test

import (
	"testing"

	"portcullis.dev/portcullis/pkg/policy"
)

// mutation is what an engine makes of what rules want.
func mutation(t *testing.T, fills, ensures string) (policy.Mutation, error) {
	t.Helper()
	// Nothing for the gateway that defaults are checked with at load, so that it is the decision that finds out.
	engine := newEngine(t, answering(noFills+` if input.gateway.spec.gatewayType

else := {"fill": [`+fills+`], "ensure": [`+ensures+`]}`, noFindings))
	return engine.Mutate(t.Context(), creating(map[string]any{}))
}

// fill is a fill as policies/main writes it.
func fill(rule, path, value string) string {
	return `{"rule": "` + rule + `", "path": "` + path + `", "value": ` + value + `, "absent": []}`
}

// ensure is an ensured item as policies/main writes it.
func ensure(rule, path, key, item string) string {
	return `{"rule": "` + rule + `", "path": "` + path + `", "key": ` + key + `, "item": ` + item + `}`
}

func TestRulesThatDisagree(t *testing.T) {
	tests := []struct {
		name           string
		fills, ensures string
		says           string
	}{
		{
			name:  "about a field",
			fills: fill("b", "/spec/dnsPolicy", `"Default"`) + ", " + fill("a", "/spec/dnsPolicy", `"None"`),
			says:  `rules mutate/a and mutate/b must agree on /spec/dnsPolicy, want "None" and "Default"`,
		},
		{
			name:  "about a field of an object that both fill in",
			fills: fill("a", "/spec", `{"kernel": {"enabled": false}}`) + ", " + fill("b", "/spec/kernel", `{"enabled": true}`),
			says:  `rules mutate/a and mutate/b must agree on /spec/kernel/enabled, want false and true`,
		},
		{
			name:  "about whether a field is an object",
			fills: fill("a", "/spec/kernel", `"on"`) + ", " + fill("b", "/spec/kernel/enabled", `true`),
			says:  `rules mutate/a and mutate/b must agree on /spec/kernel, want "on" and true`,
		},
		{
			name:    "about an item",
			ensures: ensure("b", "/l", `["k"]`, `{"k": 1, "v": 2}`) + ", " + ensure("a", "/l", `["k"]`, `{"k": 1, "v": 1}`),
			says:    `rules mutate/a and mutate/b must want the same item in /l, want {"k":1,"v":1} and {"k":1,"v":2}`,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := mutation(t, test.fills, test.ensures)
			expectError(t, err, "reading the answer of the mutating rules: "+test.says)
		})
	}
}

func TestRulesThatDisagreeAboutEveryGatewayAreRefusedAtLoad(t *testing.T) {
	disagreeing := fill("a", "/spec/x", "1") + ", " + fill("b", "/spec/x", "2")
	for name, when := range map[string]string{
		"whatever it says": `true`,
		"of ingress":       `input.gateway.spec.gatewayType == "ingress"`,
		"of egress":        `input.gateway.spec.gatewayType == "egress"`,
	} {
		t.Run(name, func(t *testing.T) {
			_, err := policy.New(t.Context(), answering(`{"fill": [`+disagreeing+`], "ensure": []} if `+when, noFindings), policy.Options{})
			expectError(t, err, "checking the defaults: rules mutate/a and mutate/b must agree on /spec/x, want 1 and 2")
		})
	}
}

func TestRulesThatAgree(t *testing.T) {
	tests := []struct {
		name           string
		fills, ensures string
		want           string
	}{
		{name: "on a field", fills: fill("a", "/s/x", "1") + ", " + fill("b", "/s/x", "1.0"), want: `{"s": {"x": 1}}`},
		{name: "on different fields of an object", fills: fill("a", "/s", `{"x": {"y": 1}}`) + ", " + fill("b", "/s/x/z", "2"), want: `{"s": {"x": {"y": 1, "z": 2}}}`},
		{name: "on an object and a field of it", fills: fill("a", "/s/x", `{}`) + ", " + fill("b", "/s/x/y", "1"), want: `{"s": {"x": {"y": 1}}}`},
		{
			name:    "on an item",
			ensures: ensure("a", "/l", `["k"]`, `{"k": 1}`) + ", " + ensure("b", "/l", `["k"]`, `{"k": 1}`),
			want:    `{"l": [{"k": 1}]}`,
		},
		{
			name:    "on a list with different items",
			ensures: ensure("b", "/l", `["k"]`, `{"k": 2}`) + ", " + ensure("a", "/l", `["k"]`, `{"k": 1}`),
			want:    `{"l": [{"k": 1}, {"k": 2}]}`,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			mutation, err := mutation(t, test.fills, test.ensures)
			if err != nil {
				t.Fatal(err)
			}
			got, err := mutation.Apply(map[string]any{})
			if err != nil {
				t.Fatal(err)
			}
			expectJSON(t, got, test.want)
		})
	}
}

func TestMutationOfAnotherShape(t *testing.T) {
	tests := []struct{ name, fills, ensures, says string }{
		{name: "a fill without a value", fills: `{"rule": "a", "path": "/p"}`, says: "fill of mutate/a must have a JSON Pointer and a value, is /p: null"},
		{name: "a fill of null", fills: fill("a", "/p", "null"), says: "fill of mutate/a must have a JSON Pointer and a value, is /p: null"},
		{name: "a fill without a path", fills: `{"rule": "a", "value": 1}`, says: "fill of mutate/a must have a JSON Pointer and a value, is : 1"},
		{name: "a path that is no pointer", fills: fill("a", "spec.replicaCount", "1"), says: "fill of mutate/a must have a JSON Pointer and a value, is spec.replicaCount: 1"},
		{name: "a field of a fill that nobody knows", fills: `{"rule": "a", "path": "/p", "value": 1, "force": true}`, says: `unknown field "force"`},
		{name: "an item without a key", ensures: ensure("a", "/l", `[]`, `{"k": 1}`), says: "ensure of mutate/a must have a JSON Pointer, a key and an item, is"},
		{name: "an item that is empty", ensures: ensure("a", "/l", `["k"]`, `{}`), says: "ensure of mutate/a must have a JSON Pointer, a key and an item, is"},
		{name: "an item that is no object", ensures: ensure("a", "/l", `["k"]`, `1`), says: "cannot unmarshal number"},
		{name: "a list that is no pointer", ensures: ensure("a", "l", `["k"]`, `{"k": 1}`), says: "ensure of mutate/a must have a JSON Pointer, a key and an item, is"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := mutation(t, test.fills, test.ensures)
			expectError(t, err, "reading the answer of the mutating rules", test.says)
		})
	}
}
