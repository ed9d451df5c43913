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
	of := func(rule map[string]any) map[string]any { return map[string]any{"rule": rule} }
	tests := []struct {
		name string
		own  map[string]any
		says string
	}{
		{name: "of no rule", own: map[string]any{"rules": map[string]any{}}, says: "rules must be absent: no rule reads it"},
		{name: "that are no object", own: map[string]any{"rule": []any{}}, says: "rule: Invalid type. Expected: object, given: array"},
		{name: "with a misspelt name", own: of(map[string]any{"lists": []any{}}), says: "rule.lists must be absent: no rule reads it"},
		{name: "with a misspelt name below", own: of(map[string]any{"strict": map[string]any{"deeper": 1}}), says: "rule.strict.deeper must be absent: no rule reads it"},
		{name: "that take away what is not there", own: of(map[string]any{"lists": nil}), says: "rule.lists must be there for null to take it away, is absent"},
		{name: "that take away what is not there below", own: of(map[string]any{"object": map[string]any{"c": nil}}), says: "rule.object.c must be there for null to take it away, is absent"},
		{name: "that take away a rule that is not there", own: map[string]any{"rules": nil}, says: "rules must be there for null to take it away, is absent"},
		{name: "that take away what a rule needs", own: of(map[string]any{"number": nil}), says: "rule: number is required"},
		{name: "that take away all that a rule needs", own: map[string]any{"rule": nil}, says: "rule is required"},
		{name: "with a string for a list", own: of(map[string]any{"list": "a"}), says: "rule.list: Invalid type. Expected: array, given: string"},
		{name: "with an item of another type", own: of(map[string]any{"list": []any{"a", 1}}), says: "rule.list.1: Invalid type. Expected: string, given: integer"},
		{name: "with an empty list", own: of(map[string]any{"list": []any{}}), says: "rule.list: Array must have at least 1 items"},
		{name: "with a string for a number", own: of(map[string]any{"number": "1"}), says: "rule.number: Invalid type. Expected: integer, given: string"},
		{name: "with half a number", own: of(map[string]any{"number": 1.5}), says: "rule.number: Invalid type. Expected: integer, given: number"},
		{name: "with a negative number", own: of(map[string]any{"number": -1}), says: "rule.number: Must be greater than or equal to 1"},
		{name: "with a number for a switch", own: of(map[string]any{"switch": 1}), says: "rule.switch: Invalid type. Expected: boolean, given: integer"},
		{name: "with a list for an object", own: of(map[string]any{"object": []any{}}), says: "rule.object: Invalid type. Expected: object, given: array"},
		{name: "with a string in an object", own: of(map[string]any{"object": map[string]any{"a": "1"}}), says: "rule.object.a: Invalid type. Expected: [integer,object], given: string"},
		{name: "that no gateway could have", own: of(map[string]any{"strict": map[string]any{"deep": []any{70000}}}), says: "rule.strict.deep.0: Must be less than or equal to 65535"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := policy.New(t.Context(), with(quiet(), nil), policy.Options{Parameters: test.own})
			expectError(t, err, "reading the parameters", test.says)
		})
	}
}

func TestNewNamesAllThatIsWrongWithParameters(t *testing.T) {
	own := map[string]any{"rule": map[string]any{"number": -1, "text": true, "lists": 1}}
	_, err := policy.New(t.Context(), with(quiet(), nil), policy.Options{Parameters: own})
	expectError(t, err, "rule.number:", "rule.text:", "lists")
}

func TestNewHoldsParametersToTheirSchema(t *testing.T) {
	own := map[string]any{"rule": map[string]any{"text": "b"}}
	tests := []struct {
		name    string
		changes map[string]string
		own     map[string]any
		says    string
	}{
		{name: "those of the rules too", changes: map[string]string{"parameters.yaml": "rule: {list: [], number: 1}\n"}, says: "rule.list: Array must have at least 1 items"},
		{name: "which must be there for others", changes: map[string]string{"parameters.schema.json": ""}, own: own, says: "parameters.schema.json must describe what rules read for anybody to set it, is absent"},
		{name: "which must be JSON", changes: map[string]string{"parameters.schema.json": "{"}, own: own, says: "parameters.schema.json: unexpected end of JSON input"},
		{name: "which must be a schema", changes: map[string]string{"parameters.schema.json": `{"type": "text"}`}, own: own, says: "parameters.schema.json: "},
		{name: "which reads no other host", changes: map[string]string{"parameters.schema.json": `{"$ref": "https://example.com/schema.json"}`}, own: own, says: "parameters.schema.json: "},
		{name: "whose definitions must be JSON", changes: map[string]string{"schemas/input.json": "{"}, own: own, says: "schemas/input.json: unexpected end of JSON input"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := policy.New(t.Context(), with(quiet(), test.changes), policy.Options{Parameters: test.own})
			expectError(t, err, test.says)
		})
	}
}

func TestParametersOfRulesNeedNoSchemaWhileNobodySetsThem(t *testing.T) {
	newEngine(t, with(quiet(), map[string]string{"parameters.schema.json": ""}))
}

// A sentence is no place for 4.294967295e+09.
func TestLargeParametersAreSaidAsTheyAreWritten(t *testing.T) {
	engine := newEngine(t, with(quiet(), map[string]string{
		"main/main.rego":  "package main\n\nmutate := {}\n\nvalidate := {\"deny\": [{\"code\": \"c\", \"field\": \"f\", \"message\": sprintf(\"%v\", [data.parameters.rule.large]), \"fix\": \"\"}], \"warn\": []}\n",
		"parameters.yaml": "rule: {large: 4294967295}\n", "parameters.schema.json": "",
	}))
	verdict, err := engine.Validate(t.Context(), creating(map[string]any{}))
	if err != nil {
		t.Fatal(err)
	}
	if got := verdict.Denials[0].Message; got != "4294967295" {
		t.Errorf("says %s, want 4294967295", got)
	}
}
