package policy_test

import (
	"reflect"
	"testing"

	"portcullis.dev/portcullis/pkg/policy"
)

func TestValidatingSaysWhatRulesSayOfThemselves(t *testing.T) {
	own := module("deny contains 1 if input.never")
	engine, err := policy.New(t.Context(), with(quiet(), map[string]string{
		"main/main.rego": "package main\n\nmutate := {\"fill\": [], \"ensure\": []}\n\nvalidate := {\"deny\": [], \"warn\": [x | some x in data.own]}\n",
		"validate/rule/rule.rego": "# METADATA\n# title: Ports\n# description: >-\n#   Why\n#   it is.\n# related_resources:\n#   - ref: https://example.com/a\n" +
			"#   - ref: https://example.com/b\n# custom:\n#   fix: choose another\npackage validate.rule\n\ndeny contains 1 if input.never\n",
		// What it says of filling in is of no use to whom it refuses.
		"mutate/rule/rule.rego": "# METADATA\n# title: Other\n# description: Else.\npackage mutate.rule\n",
		"mutate/fill/fill.rego": described + "package mutate.fill\n",
	}), policy.Options{Policies: []policy.Policy{own}})
	if err != nil {
		t.Fatal(err)
	}
	want := []policy.Described{
		{Code: "rule", Title: "Ports", Text: "Why it is.", Fix: "choose another", Links: []string{"https://example.com/a", "https://example.com/b"}},
		{Code: "team_label", Title: "A rule", Text: "Why it is.", Policy: "team-a"},
	}
	if got := engine.Validating(); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
