package policy_test

import (
	"context"
	"errors"
	"testing"

	"portcullis.dev/portcullis/pkg/policy"
	"portcullis.dev/portcullis/policies"
)

const (
	noFills    = `{"fill": [], "ensure": []}`
	noFindings = `{"deny": [], "warn": []}`
)

func TestSilenceIsNoConsent(t *testing.T) {
	tests := []struct {
		name, answer string
		says         []string
	}{
		{name: "an undefined answer", answer: `1 if input.never`, says: []string{"rules must give an answer, gave none: it is undefined"}},
		{name: "an error of a built-in", answer: `{"deny": [to_number("a")], "warn": []}`, says: []string{"evaluating", "main/main.rego", "to_number"}},
		{name: "a contradiction", answer: "1\n\nmutate := 2\n\nvalidate := 2", says: []string{"evaluating", "eval_conflict_error"}},
		{name: "no object", answer: `"allowed"`, says: []string{"reading the answer"}},
		{name: "an empty object", answer: `{}`, says: []string{"reading the answer", "answer must have", "is {}"}},
		{name: "half an answer", answer: `{"deny": [], "ensure": []}`, says: []string{"reading the answer"}},
		{name: "an answer to another question", answer: `{"allowed": true}`, says: []string{"reading the answer", `unknown field "allowed"`}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			engine := newEngine(t, answering(test.answer, test.answer))
			_, err := engine.Validate(t.Context(), creating(map[string]any{}))
			expectError(t, err, append(test.says, "validating rules")...)
			_, err = engine.Mutate(t.Context(), creating(map[string]any{}))
			expectError(t, err, append(test.says, "mutating rules")...)
		})
	}
}

func TestPanicIsAnError(t *testing.T) {
	engine := newEngine(t, policies.FS)
	// No JSON value: OPA panics on it while it evaluates.
	in := creating(map[string]any{"metadata": map[string]any{"namespace": func() {}}})
	_, err := engine.Validate(t.Context(), in)
	expectError(t, err, "asking the validating rules: evaluating: panic:")
	if _, err := engine.Validate(t.Context(), creating(map[string]any{})); err != nil {
		t.Errorf("the next question gets no answer: %v", err)
	}
}

func TestCancellationIsAnError(t *testing.T) {
	engine := newEngine(t, policies.FS)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := engine.Validate(ctx, creating(map[string]any{}))
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v, want one that the context's caller knows", err)
	}
}

func TestMissingObjectIsNoDeletion(t *testing.T) {
	engine := newEngine(t, answering(noFills, noFindings))
	for _, operation := range []string{"CREATE", "UPDATE", ""} {
		in := policy.Input{Request: policy.Request{Operation: operation}}
		_, err := engine.Validate(t.Context(), in)
		expectError(t, err, "input.gateway must hold the object on "+operation+", is absent")
		_, err = engine.Mutate(t.Context(), in)
		expectError(t, err, "input.gateway must hold the object on "+operation+", is absent")
	}
}

func TestDeletion(t *testing.T) {
	in := policy.Input{Request: policy.Request{Operation: "DELETE"}, Old: object(t, `{"metadata": {"namespace": "default"}}`), Change: object(t, `{"effects": {"Restart": [], "AddressLoss": []}, "changes": []}`)}
	t.Run("is refused by no rule that judges the object", func(t *testing.T) {
		verdict, err := newEngine(t, policies.FS).Validate(t.Context(), in)
		if err != nil || len(verdict.Denials)+len(verdict.Warnings) > 0 {
			t.Errorf("got %v and %v, want nothing", verdict, err)
		}
	})
	t.Run("comes without an object", func(t *testing.T) {
		in := in
		in.Gateway = map[string]any{}
		_, err := newEngine(t, policies.FS).Validate(t.Context(), in)
		expectError(t, err, "input.gateway must be absent on DELETE, is set")
	})
}

func TestAnUpdateComesWithTheStoredObject(t *testing.T) {
	engine := newEngine(t, policies.FS)
	in := known(t, `{"clusterIds": ["c1"]}`)
	in.Request.Operation, in.Old = "UPDATE", nil
	_, err := engine.Validate(t.Context(), in)
	expectError(t, err, "input.old must hold the stored object on UPDATE, is absent")
	_, err = engine.Mutate(t.Context(), in)
	expectError(t, err, "input.old must hold the stored object on UPDATE, is absent")
	in.Old = in.Gateway
	if _, err := engine.Validate(t.Context(), in); err != nil {
		t.Error(err)
	}
}

// A built-in that fails is undefined to Rego unless it is told otherwise, and what is undefined refuses nothing.
func TestAnErrorOfABuiltInOfTheLibraryIsNeverAYes(t *testing.T) {
	in := known(t, `{"clusterIds": ["c1"]}`)
	in.Gateway = object(t, `{"metadata": {"name": "edge", "namespace": "istio-system"}, "spec": {"clusterIds": null}}`)
	verdict, err := newEngine(t, policies.FS).Validate(t.Context(), in)
	if err == nil {
		t.Fatalf("got %v, want an error", verdict)
	}
	expectError(t, err, "asking the validating rules", "validate/cluster_ids/cluster_ids.rego", "count: operand 1 must be one of")
}
