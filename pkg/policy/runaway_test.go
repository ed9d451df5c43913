package policy_test

import (
	"strings"
	"testing"
	"time"

	"portcullis.dev/portcullis/pkg/policy"
	"portcullis.dev/portcullis/policies"
)

// hurried compiles the built-in rules with an own one, and gives it little time.
func hurried(t *testing.T, body string) *policy.Engine {
	t.Helper()
	engine, err := policy.New(t.Context(), policies.FS, policy.Options{Deadline: 200 * time.Millisecond, Policies: []policy.Policy{module(body)}})
	if err != nil {
		t.Fatal(err)
	}
	return engine
}

// TestRunawayRuleIsStopped has own rules that would run for hours. What stops them is their deadline: the test would
// not end otherwise.
func TestRunawayRuleIsStopped(t *testing.T) {
	text := strings.Repeat("a", 1<<20)
	for name, body := range map[string]string{
		"a comprehension without end":   `deny contains x if x := count({y | some i in numbers.range(1, 1000000); some j in numbers.range(1, 1000000); y := i * j})`,
		"a walk of walks":               `deny contains p if { walk(input, [p, _]); walk(input, [q, _]); walk(input, [r, _]); walk(input, [s, _]); count(p) + count(q) + count(r) + count(s) > 100 }`,
		"an expression on a large text": `deny contains i if { some i in numbers.range(1, 1000000); regex.match(sprintf("(%d|(a?){500}){2}$", [i]), input.gateway.metadata.annotations.text) }`,
		"one built-in that takes long":  `deny contains x if x := regex.replace(input.gateway.metadata.annotations.text, "(a?){500}a{500}", "b")`,
	} {
		t.Run(name, func(t *testing.T) {
			engine := hurried(t, body)
			in := labelled(t, `{}`)
			in.Gateway.(map[string]any)["metadata"].(map[string]any)["annotations"] = map[string]any{"text": text}
			verdict, err := engine.Validate(t.Context(), in)
			expectError(t, err, "asking the validating rules: evaluating: rules must answer within 200ms, have not")
			if len(verdict.Warnings) != 0 {
				t.Errorf("got %v, want nothing of what was not decided", verdict)
			}
		})
	}
}

func TestRunawayMutationIsStopped(t *testing.T) {
	own := policy.Policy{Name: "slow", Match: matching(t, "slow"), Modules: map[string]string{"a.rego": described + `package own.slow.mutate.slow

fill["/spec/podLabels/x"] := sprintf("%d", [count([i | some i in numbers.range(1, 10000000); some j in numbers.range(1, 10000000)])]) if input.gateway.metadata.labels.slow
`}}
	engine, err := policy.New(t.Context(), policies.FS, policy.Options{Deadline: 200 * time.Millisecond, Policies: []policy.Policy{own}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = engine.Mutate(t.Context(), labelled(t, `{"slow": "yes"}`))
	expectError(t, err, "asking the mutating rules: evaluating: rules must answer within 200ms, have not")
	if _, err := engine.Mutate(t.Context(), labelled(t, `{}`)); err != nil && !strings.Contains(err.Error(), "must answer within") {
		t.Errorf("got %v for a gateway that the policy does not match", err)
	}
}
