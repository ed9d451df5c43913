package policy_test

import (
	"testing"

	"portcullis.dev/portcullis/pkg/policy"
)

func TestNewMergesParameters(t *testing.T) {
	echo := with(quiet(), map[string]string{
		"main/main.rego": "package main\n\nmutate := {\"fill\": [{\"rule\": \"r\", \"path\": \"/p\", \"value\": data.parameters.rule, \"absent\": []}], \"ensure\": []}\n\nvalidate := {}\n",
	})
	tests := []struct {
		name string
		own  map[string]any
		want string
	}{
		{name: "keeps those of the rules", want: `{"list": ["a"], "number": 1, "object": {"a": 1, "b": 2}, "text": "a", "switch": false}`},
		{
			name: "replaces lists and scalars",
			own:  map[string]any{"list": []any{"b", "c"}, "number": 2, "text": "b", "switch": true},
			want: `{"list": ["b", "c"], "number": 2, "object": {"a": 1, "b": 2}, "text": "b", "switch": true}`,
		},
		{
			name: "merges objects key by key",
			own:  map[string]any{"object": map[string]any{"b": 3.0, "c": 4.0}},
			want: `{"list": ["a"], "number": 1, "object": {"a": 1, "b": 3, "c": 4}, "text": "a", "switch": false}`,
		},
		{
			name: "takes away what is null",
			own:  map[string]any{"text": nil, "object": map[string]any{"a": nil}},
			want: `{"list": ["a"], "number": 1, "object": {"b": 2}, "switch": false}`,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			engine, err := policy.New(t.Context(), echo, policy.Options{Parameters: map[string]any{"rule": test.own}})
			if err != nil {
				t.Fatal(err)
			}
			mutation, err := engine.Mutate(t.Context(), creating(map[string]any{}))
			if err != nil {
				t.Fatal(err)
			}
			got, err := mutation.Apply(map[string]any{})
			if err != nil {
				t.Fatal(err)
			}
			expectJSON(t, got, `{"p": `+test.want+`}`)
		})
	}
}

func TestNewRefusesParametersThatNoRuleReads(t *testing.T) {
	tests := []struct {
		name string
		own  map[string]any
		says string
	}{
		{name: "of no rule", own: map[string]any{"rules": map[string]any{}}, says: "rules must be an object with the parameters of a rule that has some (rule), is not"},
		{name: "that are no object", own: map[string]any{"rule": []any{}}, says: "rule must be an object"},
		{name: "with a misspelt name", own: map[string]any{"rule": map[string]any{"lists": []any{}}}, says: "rule.lists must be absent, is a list"},
		{name: "that take away what is not there", own: map[string]any{"rule": map[string]any{"lists": nil}}, says: ""},
		{name: "with a string for a list", own: map[string]any{"rule": map[string]any{"list": "a"}}, says: "rule.list must be a list, is a string"},
		{name: "with a string for a number", own: map[string]any{"rule": map[string]any{"number": "1"}}, says: "rule.number must be a number, is a string"},
		{name: "with a number for a switch", own: map[string]any{"rule": map[string]any{"switch": 1}}, says: "rule.switch must be true or false, is a number"},
		{name: "with a list for an object", own: map[string]any{"rule": map[string]any{"object": []any{}}}, says: "rule.object must be an object, is a list"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := policy.New(t.Context(), with(quiet(), nil), policy.Options{Parameters: test.own})
			if test.says == "" && err == nil {
				return
			}
			expectError(t, err, "reading the parameters", test.says)
		})
	}
}

// A sentence is no place for 4.294967295e+09.
func TestLargeParametersAreSaidAsTheyAreWritten(t *testing.T) {
	engine := newEngine(t, with(quiet(), map[string]string{
		"main/main.rego":  "package main\n\nmutate := {}\n\nvalidate := {\"deny\": [{\"code\": \"c\", \"field\": \"f\", \"message\": sprintf(\"%v\", [data.parameters.rule.large]), \"fix\": \"\"}], \"warn\": []}\n",
		"parameters.yaml": "rule: {large: 4294967295}\n",
	}))
	verdict, err := engine.Validate(t.Context(), creating(map[string]any{}))
	if err != nil {
		t.Fatal(err)
	}
	if got := verdict.Denials[0].Message; got != "4294967295" {
		t.Errorf("says %s, want 4294967295", got)
	}
}
