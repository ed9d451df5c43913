package policy_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"portcullis.dev/portcullis/pkg/policy"
	"portcullis.dev/portcullis/policies"
)

// outside is the input for a gateway that rule namespace refuses.
func outside(tb testing.TB) policy.Input {
	tb.Helper()
	in := labelled(tb, `{}`)
	in.Gateway.(map[string]any)["metadata"].(map[string]any)["namespace"] = "elsewhere"
	return in
}

// did says what a verdict did about the findings of a rule.
func did(code string, verdict policy.Verdict) []policy.Enforcement {
	var out []policy.Enforcement
	for enforcement, findings := range map[policy.Enforcement][]policy.Finding{
		policy.Deny: verdict.Denials, policy.Warn: verdict.Warnings, policy.Audit: verdict.Audits,
	} {
		if len(of(code, findings)) > 0 {
			out = append(out, enforcement)
		}
	}
	slices.Sort(out)
	return out
}

// enforcing is a policy that enforces rule namespace.
func enforcing(name string, as policy.Enforcement) policy.Policy {
	return policy.Policy{Name: name, Enforcements: map[string]policy.Enforcement{"namespace": as}}
}

func TestEnforcement(t *testing.T) {
	tests := []struct {
		name          string
		configuration policy.Enforcement
		policies      []policy.Policy
		want          policy.Enforcement
	}{
		{name: "is Deny when nobody says", want: policy.Deny},
		{name: "is the configuration's", configuration: policy.Warn, want: policy.Warn},
		{name: "is the configuration's, to record", configuration: policy.Audit, want: policy.Audit},
		{name: "is a policy's rather than the default", policies: []policy.Policy{enforcing("a", policy.Audit)}, want: policy.Audit},
		{name: "is a policy's rather than the configuration's", configuration: policy.Audit, policies: []policy.Policy{enforcing("a", policy.Deny)}, want: policy.Deny},
		{name: "is the stricter of two policies'", policies: []policy.Policy{enforcing("a", policy.Warn), enforcing("b", policy.Audit)}, want: policy.Warn},
		{name: "is the stricter in any order", policies: []policy.Policy{enforcing("a", policy.Audit), enforcing("b", policy.Deny), enforcing("c", policy.Warn)}, want: policy.Deny},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			opts := policy.Options{Deadline: time.Minute, Policies: test.policies}
			if test.configuration != "" {
				opts.Enforcement = map[string]policy.Enforcement{"namespace": test.configuration}
			}
			engine, err := policy.New(t.Context(), policies.FS, opts)
			if err != nil {
				t.Fatal(err)
			}
			if got := did("namespace", judged(t, engine, outside(t))); !slices.Equal(got, []policy.Enforcement{test.want}) {
				t.Errorf("got %v, want %s", got, test.want)
			}
		})
	}
}

func TestEnforcementOfOwnRules(t *testing.T) {
	for want, own := range map[policy.Enforcement]policy.Policy{
		policy.Deny:  {},
		policy.Warn:  {Enforcement: policy.Warn},
		policy.Audit: {Enforcement: policy.Warn, Enforcements: map[string]policy.Enforcement{"team_label": policy.Audit}},
	} {
		t.Run(string(want), func(t *testing.T) {
			own.Name, own.Modules = "team-a", teamA().Modules
			verdict := judged(t, withPolicies(t, own), outside(t))
			if got := did("team_label", verdict); !slices.Equal(got, []policy.Enforcement{want}) {
				t.Errorf("got %v, want %s", got, want)
			}
			if got := did("namespace", verdict); !slices.Equal(got, []policy.Enforcement{policy.Deny}) {
				t.Errorf("the built-in rule does %v, want Deny", got)
			}
		})
	}
}

func TestOthersDoNotEnforceOwnRules(t *testing.T) {
	_, err := compiled(t, teamA(), policy.Policy{Name: "other", Enforcements: map[string]policy.Enforcement{"team_label": policy.Audit}})
	expectFault(t, err, "other", "team_label must be a validating rule")
	_, err = policy.New(t.Context(), policies.FS, policy.Options{Policies: []policy.Policy{teamA()}, Enforcement: map[string]policy.Enforcement{"team_label": policy.Audit}})
	expectError(t, err, "reading the enforcement: team_label must be a validating rule")
}

func TestWarningsAreNotPromoted(t *testing.T) {
	warning := module(`warn contains {"field": "spec", "message": "m", "fix": ""}`)
	for stated, want := range map[policy.Enforcement]policy.Enforcement{policy.Deny: policy.Warn, policy.Warn: policy.Warn, policy.Audit: policy.Audit} {
		t.Run(string(stated), func(t *testing.T) {
			warning.Enforcement = stated
			if got := did("team_label", judged(t, withPolicies(t, warning), labelled(t, `{}`))); !slices.Equal(got, []policy.Enforcement{want}) {
				t.Errorf("got %v, want %s", got, want)
			}
		})
	}
}

func TestConfigurationIsRefused(t *testing.T) {
	tests := []struct{ name, text, says string }{
		{name: "with a rule that nobody has", text: `{enforcement: {nobody: Warn}}`, says: "reading the enforcement: nobody must be a validating rule"},
		{name: "with another enforcement", text: `{enforcement: {namespace: warn}}`, says: `reading the enforcement: namespace must be one of Deny, Warn, Audit, is "warn"`},
		{name: "with parameters of no rule", text: `{parameters: {nobody: {a: 1}}}`, says: "reading the parameters: nobody must be absent"},
		{name: "with a misspelt parameter", text: `{parameters: {namespace: {permitted: []}}}`, says: "reading the parameters: namespace.permitted must be absent"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			configuration, err := policy.ReadConfiguration([]byte(test.text))
			if err != nil {
				t.Fatal(err)
			}
			_, err = policy.New(t.Context(), policies.FS, policy.Options{Enforcement: configuration.Enforcement, Parameters: configuration.Parameters})
			expectError(t, err, test.says)
		})
	}
	for name, text := range map[string]string{
		"with a field that nobody reads":      `{enforcements: {}}`,
		"with a key twice":                    "parameters: {}\nparameters: {}\n",
		"that is no YAML":                     `{`,
		"with an enforcement of another type": `{enforcement: {namespace: [Warn]}}`,
	} {
		t.Run(name, func(t *testing.T) {
			_, err := policy.ReadConfiguration([]byte(text))
			expectError(t, err, "reading the configuration")
		})
	}
}

// TestEveryGatewayHasItsOwnEnforcement asks for gateways that different policies match, in turn and more than are kept.
func TestEveryGatewayHasItsOwnEnforcement(t *testing.T) {
	var all []policy.Policy
	for i := range 9 {
		p := enforcing(fmt.Sprintf("p%d", i), policy.Audit)
		p.Match = matching(t, fmt.Sprintf("l%d=a", i))
		all = append(all, p)
	}
	all[0].Enforcements = map[string]policy.Enforcement{"namespace": policy.Warn}
	engine := withPolicies(t, all...)
	for range 2 {
		for set := range 1 << len(all) {
			labels, want := map[string]any{}, policy.Deny
			for i := range all {
				if set&(1<<i) != 0 {
					labels[fmt.Sprintf("l%d", i)], want = "a", policy.Audit
				}
			}
			if set&1 != 0 {
				want = policy.Warn
			}
			in := outside(t)
			in.Gateway.(map[string]any)["metadata"].(map[string]any)["labels"] = labels
			if got := did("namespace", judged(t, engine, in)); !slices.Equal(got, []policy.Enforcement{want}) {
				t.Fatalf("%v: got %v, want %s", labels, got, want)
			}
		}
	}
}
