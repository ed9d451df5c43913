package policy_test

import (
	"reflect"
	"testing"

	"portcullis.dev/portcullis/pkg/policy"
)

// finding is a finding as a rule writes it.
func finding(code, field, message, fix string) string {
	return `{"code": "` + code + `", "field": "` + field + `", "message": "` + message + `", "fix": "` + fix + `"}`
}

func TestVerdict(t *testing.T) {
	engine := newEngine(t, answering(noFills, `{"deny": [`+
		finding("b", "spec.x", "must be a, is b", "write a")+`, `+
		finding("a", "spec.y", "must be a, is c", "")+`, `+
		finding("a", "spec.y", "must be a, is b", "")+`, `+
		finding("a", "spec.x", "must be a, is b", "")+`, `+
		finding("a", "spec.x", "must be a, is b", "")+
		`], "warn": {`+finding("c", "spec", "must be a, is b", "")+`}}`))
	got, err := engine.Validate(t.Context(), creating(map[string]any{}))
	if err != nil {
		t.Fatal(err)
	}
	want := policy.Verdict{
		Denials: []policy.Finding{
			{Code: "a", Field: "spec.x", Message: "must be a, is b"},
			{Code: "a", Field: "spec.y", Message: "must be a, is b"},
			{Code: "a", Field: "spec.y", Message: "must be a, is c"},
			{Code: "b", Field: "spec.x", Message: "must be a, is b", Fix: "write a"},
		},
		Warnings: []policy.Finding{{Code: "c", Field: "spec", Message: "must be a, is b"}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want sorted and each once: %v", got, want)
	}
}

func TestVerdictOfAnotherShape(t *testing.T) {
	tests := []struct{ name, deny, says string }{
		{name: "a finding that is a string", deny: `"no"`, says: "cannot unmarshal string"},
		{name: "a finding without a code", deny: finding("", "spec", "m", "f"), says: "finding must have a code, a field and a message, is"},
		{name: "a finding without a field", deny: finding("c", "", "m", "f"), says: "finding must have a code, a field and a message, is"},
		{name: "a finding without a message", deny: finding("c", "spec", "", "f"), says: "finding must have a code, a field and a message, is"},
		{name: "a finding with more to say", deny: `{"code": "c", "field": "f", "message": "m", "severity": "low"}`, says: `unknown field "severity"`},
		{name: "a message that is no string", deny: `{"code": "c", "field": "f", "message": 1}`, says: "cannot unmarshal number"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			for _, answer := range []string{`{"deny": [` + test.deny + `], "warn": []}`, `{"deny": [], "warn": [` + test.deny + `]}`} {
				_, err := newEngine(t, answering(noFills, answer)).Validate(t.Context(), creating(map[string]any{}))
				expectError(t, err, "reading the answer of the validating rules", test.says)
			}
		})
	}
}

func TestFindingString(t *testing.T) {
	finding := policy.Finding{Code: "namespace", Field: "metadata.namespace", Message: "must be istio-system, is default", Fix: "move it"}
	if got, want := finding.String(), "namespace: metadata.namespace: must be istio-system, is default (move it)"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	finding.Fix = ""
	if got, want := finding.String(), "namespace: metadata.namespace: must be istio-system, is default"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
