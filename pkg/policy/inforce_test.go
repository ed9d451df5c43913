package policy_test

import (
	"testing"

	"portcullis.dev/portcullis/pkg/policy"
)

// inForce is one rule that is in force.
func inForce(t *testing.T, rules []policy.RuleInForce, code string) *policy.RuleInForce {
	t.Helper()
	for i := range rules {
		if rules[i].Code == code {
			return &rules[i]
		}
	}
	return nil
}

func TestInForceSaysWhereEverythingComesFrom(t *testing.T) {
	rules := with(quiet(), map[string]string{
		"main/main.rego":        "package main\n\nmutate := {\"fill\": [], \"ensure\": []}\n\nvalidate := {\"deny\": [], \"warn\": [x | some x in data.own]}\n",
		"mutate/fill/fill.rego": described + "package mutate.fill\n",
	})
	own := module("deny contains 1 if input.never")
	own.Parameters = map[string]any{"team_label": map[string]any{"teams": []any{"a"}}}
	tuning := policy.Policy{
		Name: "tuning", Match: matching(t, "env=dev"),
		Enforcements: map[string]policy.Enforcement{"rule": policy.Warn},
		Parameters:   map[string]any{"rule": map[string]any{"object": map[string]any{"b": 4.0, "c": map[string]any{"d": 5.0}}, "text": nil}},
	}
	engine, err := policy.New(t.Context(), rules, policy.Options{
		Enforcement: map[string]policy.Enforcement{"rule": policy.Audit},
		Parameters:  map[string]any{"rule": map[string]any{"number": 2.0, "list": []any{"b"}}},
		Policies:    []policy.Policy{tuning, own},
	})
	if err != nil {
		t.Fatal(err)
	}
	got := engine.InForce("istio-system", map[string]string{"env": "dev"})
	expectJSON(t, inForce(t, got, "rule"), `{"code": "rule", "title": "A rule", "enforcement": "Warn", "from": "GatewayPolicy tuning", "parameters": [
		{"path": "list", "value": ["b"], "from": "configuration"},
		{"path": "number", "value": 2, "from": "configuration"},
		{"path": "object.a", "value": 1, "from": "defaults"},
		{"path": "object.b", "value": 4, "from": "GatewayPolicy tuning"},
		{"path": "object.c.d", "value": 5, "from": "GatewayPolicy tuning"},
		{"path": "switch", "value": false, "from": "defaults"}]}`)
	expectJSON(t, inForce(t, got, "fill"), `{"code": "fill", "title": "A rule"}`)
	expectJSON(t, inForce(t, got, "team_label"), `{"code": "team_label", "title": "A rule", "policy": "team-a", "enforcement": "Deny", "from": "defaults",
		"parameters": [{"path": "teams", "value": ["a"], "from": "GatewayPolicy team-a"}]}`)
	expectJSON(t, inForce(t, engine.InForce("istio-system", nil), "rule").Enforcement, `"Audit"`)
}

func TestInForceLeavesOutOwnRulesThatDoNotMatch(t *testing.T) {
	own := teamA()
	own.Match = policy.Match{Namespaces: []string{"istio-system"}}
	engine := withPolicies(t, own)
	if inForce(t, engine.InForce("istio-system", nil), "team_label") == nil {
		t.Error("the rule is not in force where its policy matches")
	}
	if inForce(t, engine.InForce("elsewhere", nil), "team_label") != nil {
		t.Error("the rule is in force where its policy does not match")
	}
}

// TestInForceIsWhatDecides asks for what is in force, and compares it with what rules are given.
func TestInForceIsWhatDecides(t *testing.T) {
	tuned := policy.Policy{Name: "tuned", Parameters: map[string]any{"defaults": map[string]any{
		"all":     map[string]any{"replicaCount": 3.0, "resources": nil, "kernel": map[string]any{}},
		"ingress": map[string]any{"podLabels": map[string]any{"a/b.c": "d"}},
	}}}
	engine := withPolicies(t, tuned)
	values := map[string]any{}
	for _, parameter := range inForce(t, engine.InForce("istio-system", nil), "defaults").Parameters {
		values[parameter.Path] = parameter.Value
	}
	in := labelled(t, `{}`)
	mutation, err := engine.Mutate(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	spec := apply(t, mutation, in.Gateway.(map[string]any))["spec"].(map[string]any)
	expectJSON(t, spec["replicaCount"], "3")
	expectJSON(t, values["all.replicaCount"], "3")
	expectJSON(t, spec["podLabels"], `{"a/b.c": "d"}`)
	expectJSON(t, values["ingress.podLabels.a/b.c"], `"d"`)
	expectJSON(t, spec["kernel"], `{"enabled": false}`)
	expectJSON(t, values["all.kernel.enabled"], "false")
	if _, found := values["all.resources.limits.cpu"]; found || spec["resources"] != nil {
		t.Errorf("resources are in force as %v, and filled in as %v, want neither", values["all.resources.limits.cpu"], spec["resources"])
	}
}
