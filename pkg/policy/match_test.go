package policy_test

import (
	"testing"

	"k8s.io/apimachinery/pkg/labels"

	"portcullis.dev/portcullis/pkg/policy"
)

// matching selects by labels, and by namespaces where some are given.
func matching(tb testing.TB, selector string, namespaces ...string) policy.Match {
	tb.Helper()
	parsed, err := labels.Parse(selector)
	if err != nil {
		tb.Fatal(err)
	}
	return policy.Match{Namespaces: namespaces, Labels: parsed}
}

func TestMatch(t *testing.T) {
	tests := []struct {
		name    string
		match   policy.Match
		labels  string
		matches bool
	}{
		{name: "everything, when nothing is said", labels: `{}`, matches: true},
		{name: "a namespace", match: policy.Match{Namespaces: []string{"other", "istio-system"}}, labels: `{}`, matches: true},
		{name: "another namespace", match: policy.Match{Namespaces: []string{"other"}}, labels: `{}`},
		{name: "a label", match: matching(t, "env=prod"), labels: `{"env": "prod"}`, matches: true},
		{name: "another value of a label", match: matching(t, "env=prod"), labels: `{"env": "dev"}`},
		{name: "no label", match: matching(t, "env=prod"), labels: `null`},
		{name: "a label that is absent", match: matching(t, "!env"), labels: `{}`, matches: true},
		{name: "both", match: matching(t, "env in (prod, live)", "istio-system"), labels: `{"env": "live"}`, matches: true},
		{name: "one of both", match: matching(t, "env in (prod, live)", "other"), labels: `{"env": "live"}`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			own := teamA()
			own.Match = test.match
			found := of("team_label", judged(t, withPolicies(t, own), labelled(t, test.labels)).Denials)
			if (len(found) == 1) != test.matches {
				t.Errorf("got %q, want it to match: %v", found, test.matches)
			}
		})
	}
}

func TestLabelsThatCannotBeReadAreNoAbsentOnes(t *testing.T) {
	own := teamA()
	own.Match = matching(t, "env=prod")
	engine := withPolicies(t, own)
	for text, says := range map[string]string{
		`{"env": 1}`: "matching the gateway: metadata.labels.env must be a string, is a number",
		`["env"]`:    "matching the gateway: metadata.labels must be an object, is a list",
	} {
		_, err := engine.Validate(t.Context(), labelled(t, text))
		expectError(t, err, says)
		_, err = engine.Mutate(t.Context(), labelled(t, text))
		expectError(t, err, says)
	}
}

func TestPoliciesMeet(t *testing.T) {
	tests := []struct {
		name string
		a, b policy.Match
		meet bool
	}{
		{name: "when both match all", meet: true},
		{name: "in one namespace", a: policy.Match{Namespaces: []string{"a", "b"}}, b: policy.Match{Namespaces: []string{"b", "c"}}, meet: true},
		{name: "in no namespace", a: policy.Match{Namespaces: []string{"a"}}, b: policy.Match{Namespaces: []string{"b"}}},
		{name: "when one matches all namespaces", a: policy.Match{Namespaces: []string{"a"}}, meet: true},
		{name: "by different labels", a: matching(t, "a=1"), b: matching(t, "b=1"), meet: true},
		{name: "by no value of a label", a: matching(t, "a=1"), b: matching(t, "a=2")},
		{name: "by one of several values", a: matching(t, "a in (1,2)"), b: matching(t, "a in (2,3)"), meet: true},
		{name: "by a value that one excludes", a: matching(t, "a=1"), b: matching(t, "a notin (1)")},
		{name: "by another value than one excludes", a: matching(t, "a in (1,2)"), b: matching(t, "a notin (1)"), meet: true},
		{name: "by a label that one has and one has not", a: matching(t, "a"), b: matching(t, "!a")},
		{name: "by a value of a label that must be absent", a: matching(t, "a=1"), b: matching(t, "!a")},
		{name: "by exclusions alone", a: matching(t, "a notin (1)"), b: matching(t, "a notin (2)"), meet: true},
		{name: "by exclusions of a label that must be there", a: matching(t, "a,a notin (1)"), b: matching(t, "a notin (2)"), meet: true},
		{name: "when one matches nothing", a: policy.Match{Labels: labels.Nothing()}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			allowed := func(name, namespace string, match policy.Match) policy.Policy {
				return policy.Policy{Name: name, Match: match, Parameters: map[string]any{"namespace": map[string]any{"allowed": []any{namespace}}}}
			}
			_, err := compiled(t, allowed("a", "x", test.a), allowed("b", "y", test.b))
			if !test.meet {
				if err != nil {
					t.Errorf("got %v, want both", err)
				}
				return
			}
			for _, name := range []string{"a", "b"} {
				expectFault(t, err, name, "GatewayPolicies a and b must agree on spec.parameters.namespace.allowed, for both can match one gateway, do not")
			}
		})
	}
}

// relabelled is the input for an update that changes labels, and the namespace that is written in the gateway.
func relabelled(tb testing.TB, stored, now, namespace string, groups ...string) policy.Input {
	tb.Helper()
	in := labelled(tb, now)
	in.Request.Operation = "UPDATE"
	in.Request.User.Groups = groups
	in.Change = object(tb, `{"effects": {"Restart": [], "AddressLoss": []}, "changes": []}`)
	in.Old = labelled(tb, stored).Gateway
	in.Gateway.(map[string]any)["metadata"].(map[string]any)["namespace"] = namespace
	return in
}

// TestLabelEditIsNoWayAround edits labels so that other policies match, and what they refuse at once or before.
func TestLabelEditIsNoWayAround(t *testing.T) {
	strict := policy.Policy{Name: "strict", Match: matching(t, "env=prod"), Modules: map[string]string{"team.rego": described + `package own.strict.validate.dns

deny contains {"field": "spec.dnsPolicy", "message": "must be absent, is set", "fix": ""} if input.gateway.spec.dnsPolicy
`}}
	lax := policy.Policy{Name: "lax", Match: matching(t, "env=dev"), Enforcements: map[string]policy.Enforcement{"namespace": policy.Audit}}
	engine := withPolicies(t, strict, lax)
	t.Run("out of a policy, together with what it refuses", func(t *testing.T) {
		in := relabelled(t, `{"env": "prod"}`, `{}`, "istio-system")
		in.Gateway.(map[string]any)["spec"].(map[string]any)["dnsPolicy"] = "Default"
		denials := judged(t, engine, in).Denials
		if len(of("dns", denials)) != 1 || len(of("policy_labels", denials)) != 1 {
			t.Errorf("got %v, want both", denials)
		}
	})
	t.Run("out of a policy, before what it refuses", func(t *testing.T) {
		got := of("policy_labels", judged(t, engine, relabelled(t, `{"env": "prod"}`, `{"env": "other"}`, "istio-system")).Denials)
		want := "policy_labels: metadata.labels: must keep the gateway under GatewayPolicy strict, takes it out (leave these labels as they are, or have a platform team's member change them)"
		if len(got) != 1 || got[0] != want {
			t.Errorf("got %q, want %q", got, want)
		}
	})
	t.Run("under a policy that is laxer", func(t *testing.T) {
		verdict := judged(t, engine, relabelled(t, `{}`, `{"env": "dev"}`, "elsewhere"))
		if len(of("namespace", verdict.Denials)) != 1 || len(of("policy_labels", verdict.Denials)) != 1 {
			t.Errorf("got %v, want both", verdict)
		}
		if len(verdict.Audits) != 0 {
			t.Errorf("audits are %v, want none of what is denied", verdict.Audits)
		}
	})
	t.Run("of labels that no policy matches by", func(t *testing.T) {
		if got := judged(t, engine, relabelled(t, `{"env": "prod"}`, `{"env": "prod", "a": "b"}`, "istio-system")).Denials; len(got) != 0 {
			t.Errorf("got %v, want nothing", got)
		}
	})
	t.Run("by the platform team is judged by both, and let in", func(t *testing.T) {
		if got := judged(t, engine, relabelled(t, `{"env": "prod"}`, `{"env": "dev"}`, "istio-system", "system:masters")).Denials; len(got) != 0 {
			t.Errorf("got %v, want nothing", got)
		}
		if got := of("namespace", judged(t, engine, relabelled(t, `{"env": "prod"}`, `{"env": "dev"}`, "elsewhere", "system:masters")).Denials); len(got) != 1 {
			t.Errorf("got %v, want what the policies of the stored labels refuse", got)
		}
	})
	t.Run("in the course of a deletion changes nothing", func(t *testing.T) {
		in := policy.Input{Request: policy.Request{Operation: "DELETE", Namespace: "istio-system"}, Old: labelled(t, `{"env": "prod"}`).Gateway}
		in.Change = object(t, `{"effects": {"Restart": [], "AddressLoss": []}, "changes": []}`)
		if got := judged(t, engine, in).Denials; len(got) != 0 {
			t.Errorf("got %v, want nothing", got)
		}
	})
}
