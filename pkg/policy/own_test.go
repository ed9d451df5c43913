package policy_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"portcullis.dev/portcullis/pkg/policy"
	"portcullis.dev/portcullis/policies"
)

// teamLabel is a rule of GatewayPolicy team-a.
const teamLabel = `# METADATA
# scope: package
# title: Team
# description: Somebody has to be called when a gateway misbehaves.
# custom:
#   fix: set the label team
package own.team_a.validate.team_label

import data.lib.result

deny contains finding if {
	not input.gateway.metadata.labels.team
	finding := result.finding(rego.metadata.chain(), {
		"field": "metadata.labels.team",
		"message": "must be the team that is called, is absent",
	})
}
`

// teamA is GatewayPolicy team-a with one rule.
func teamA() policy.Policy {
	return policy.Policy{Name: "team-a", Modules: map[string]string{"team.rego": teamLabel}}
}

// module is a module of team-a's rule with a body.
func module(body string) policy.Policy {
	return policy.Policy{Name: "team-a", Modules: map[string]string{"team.rego": described + "package own.team_a.validate.team_label\n\n" + body + "\n"}}
}

// withPolicies compiles the built-in rules with those of policies.
func withPolicies(tb testing.TB, policies ...policy.Policy) *policy.Engine {
	tb.Helper()
	engine, err := compiled(tb, policies...)
	if err != nil {
		tb.Fatal(err)
	}
	return engine
}

// compiled compiles the built-in rules with those of some policies.
func compiled(tb testing.TB, with ...policy.Policy) (*policy.Engine, error) {
	tb.Helper()
	return policy.New(tb.Context(), policies.FS, policy.Options{Deadline: time.Minute, Policies: with})
}

// expectFault fails unless a policy is to blame for all of some things, and only the named ones are.
func expectFault(tb testing.TB, err error, name string, says ...string) {
	tb.Helper()
	fault := (*policy.FaultError)(nil)
	if !errors.As(err, &fault) {
		tb.Fatalf("got %v, want a fault of GatewayPolicy %s", err, name)
	}
	expectError(tb, fault.Policies[name], says...)
}

// labelled is the input for the creation of a gateway with labels.
func labelled(tb testing.TB, labels string) policy.Input {
	tb.Helper()
	in := creating(object(tb, `{"metadata": {"name": "edge", "namespace": "istio-system", "labels": `+labels+`}, "spec": {"clusterIds": ["c1"]}}`))
	in.Request.Namespace = "istio-system"
	in.Clusters = map[string]policy.Cluster{"c1": {Registered: true, Reachable: true, Effective: map[string]any{"serviceType": "LoadBalancer"}, Mesh: policy.Mesh{Version: "1.26"}}}
	in.Mesh = policy.Mesh{Version: "1.26"}
	return in
}

// judged is the verdict on an input.
func judged(tb testing.TB, engine *policy.Engine, in policy.Input) policy.Verdict {
	tb.Helper()
	verdict, err := engine.Validate(tb.Context(), in)
	if err != nil {
		tb.Fatal(err)
	}
	return verdict
}

func TestOwnRuleDenies(t *testing.T) {
	engine := withPolicies(t, teamA())
	want := "team_label: metadata.labels.team: must be the team that is called, is absent (set the label team)"
	if got := of("team_label", judged(t, engine, labelled(t, `{}`)).Denials); len(got) != 1 || got[0] != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := judged(t, engine, labelled(t, `{"team": "edge"}`)).Denials; len(got) != 0 {
		t.Errorf("got %v, want nothing", got)
	}
}

func TestOwnRuleHoldsBesideTheBuiltInOnes(t *testing.T) {
	in := labelled(t, `{}`)
	in.Gateway.(map[string]any)["metadata"].(map[string]any)["namespace"] = "elsewhere"
	denials := judged(t, withPolicies(t, teamA()), in).Denials
	if len(of("team_label", denials)) != 1 || len(of("namespace", denials)) != 1 {
		t.Errorf("got %v, want one of each", denials)
	}
}

func TestOwnRuleFills(t *testing.T) {
	filling := policy.Policy{Name: "team-a", Modules: map[string]string{"tier.rego": described + `package own.team_a.mutate.tier

fill["/spec/podLabels/tier"] := data.parameters.tier.value

ensure contains {"path": "/spec/hostAliases", "key": ["ip"], "item": {"ip": "10.0.0.1"}}
`}, Parameters: map[string]any{"tier": map[string]any{"value": "edge"}}}
	in := labelled(t, `{}`)
	mutation, err := withPolicies(t, filling).Mutate(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	spec := apply(t, mutation, in.Gateway.(map[string]any))["spec"].(map[string]any)
	expectJSON(t, spec["podLabels"], `{"tier": "edge"}`)
	expectJSON(t, spec["hostAliases"], `[{"ip": "10.0.0.1"}]`)
	expectJSON(t, spec["serviceType"], `"LoadBalancer"`)
}

func TestOwnRulesOfSeveralPoliciesShareNothing(t *testing.T) {
	other := policy.Policy{Name: "team-b", Modules: map[string]string{"team.rego": strings.NewReplacer("team_a", "team_b", "team_label", "owner_label").Replace(teamLabel)}}
	denials := judged(t, withPolicies(t, teamA(), other), labelled(t, `{}`)).Denials
	if len(of("team_label", denials)) != 1 || len(of("owner_label", denials)) != 1 {
		t.Errorf("got %v, want one of each", denials)
	}
}

func TestOwnRuleSharesCodeWithItsOtherModules(t *testing.T) {
	shared := teamA()
	shared.Modules["lib.rego"] = "package own.team_a.lib.words\n\nword := \"no\"\n"
	shared.Modules["more.rego"] = "package own.team_a.validate.team_label\n\nimport data.own.team_a.lib.words\n\nwarn contains {\"field\": \"spec\", \"message\": words.word, \"fix\": \"\"}\n"
	if got := of("team_label", judged(t, withPolicies(t, shared), labelled(t, `{}`)).Warnings); len(got) != 1 || got[0] != "team_label: spec: no" {
		t.Errorf("got %q, want the warning", got)
	}
}

func TestOwnRuleFindsInItsOwnNameOnly(t *testing.T) {
	forger := module(`deny contains {"code": "namespace", "field": "spec", "message": "no", "fix": ""}`)
	denials := judged(t, withPolicies(t, forger), labelled(t, `{}`)).Denials
	if len(of("team_label", denials)) != 1 || len(of("namespace", denials)) != 0 {
		t.Errorf("got %v, want the finding under the rule's own code", denials)
	}
}

func TestBrokenOwnRuleIsNeverAYes(t *testing.T) {
	for name, body := range map[string]string{
		"a string for a finding":    `deny contains "no"`,
		"a finding without words":   `deny contains {"field": "spec"}`,
		"an error of a built-in":    "deny contains {} if to_number(input.gateway.metadata.name) > 1",
		"an answer of another kind": `deny := "no"`,
		"a contradiction":           "number := 1\n\nnumber := 2\n\ndeny contains {} if number > 1",
	} {
		t.Run(name, func(t *testing.T) {
			engine, err := compiled(t, module(body))
			if err != nil {
				return
			}
			if verdict, err := engine.Validate(t.Context(), labelled(t, `{}`)); err == nil {
				t.Errorf("got %v, want an error", verdict)
			}
		})
	}
}

func TestPoliciesAreRefused(t *testing.T) {
	tests := []struct {
		name   string
		policy policy.Policy
		says   []string
	}{
		{name: "that do not parse", policy: module("deny contains {"), says: []string{"team.rego:8:1: rego_parse_error"}},
		{name: "that do not compile", policy: module("deny contains finding if not nobody"), says: []string{"team.rego:7:15: rego_unsafe_var_error: var finding is unsafe"}},
		{name: "with an import that nothing uses", policy: module("import data.lib.result"), says: []string{"team.rego:7:1", "unused"}},
		{name: "with a built-in that reaches outside", policy: module(`deny contains x if x := http.send({"method": "get", "url": "http://127.0.0.1"})`), says: []string{"team.rego:7:25: rego_type_error: http.send is forbidden"}},
		{name: "with the clock", policy: module(`deny contains x if x := time.now_ns()`), says: []string{"time.now_ns is forbidden"}},
		{name: "with a function that nobody has", policy: module(`deny contains x if x := nobody.knows(1)`), says: []string{"undefined function nobody.knows"}},
		{name: "with findings that are no set", policy: module(`deny := "no"`), says: []string{"team.rego:7:1: deny must be a set (deny contains …), is none"}},
		{name: "with findings that are an object", policy: module(`warn["a"] := 1`), says: []string{"warn must be a set"}},
		{name: "with a default for findings", policy: module(`default deny := false`), says: []string{"deny must be a set"}},
		{name: "without METADATA", policy: policy.Policy{Name: "team-a", Modules: map[string]string{"a.rego": "package own.team_a.validate.a\n"}}, says: []string{"a.rego:1:1: METADATA of the package must have a title and a description, has not"}},
		{name: "with a name that no package has", policy: policy.Policy{Name: "team.a", Modules: map[string]string{"a.rego": teamLabel}}, says: []string{"metadata.name must be a DNS label that begins with a letter", "is team.a"}},
		{name: "that enforce what is no rule", policy: policy.Policy{Name: "p", Enforcements: map[string]policy.Enforcement{"nobody": policy.Warn}}, says: []string{"spec.enforcements: nobody must be a validating rule", "is none"}},
		{name: "that enforce what only fills in", policy: policy.Policy{Name: "p", Enforcements: map[string]policy.Enforcement{"defaults": policy.Warn}}, says: []string{"defaults must be a validating rule"}},
		{name: "that enforce as nobody can", policy: policy.Policy{Name: "p", Enforcements: map[string]policy.Enforcement{"namespace": "deny"}}, says: []string{`spec.enforcements: namespace must be one of Deny, Warn, Audit, is "deny"`}},
		{name: "that enforce their own rules as nobody can", policy: policy.Policy{Name: "p", Enforcement: "No"}, says: []string{`spec.enforcement must be one of Deny, Warn, Audit, is "No"`}},
		{name: "with parameters of no rule", policy: policy.Policy{Name: "p", Parameters: map[string]any{"nobody": map[string]any{}}}, says: []string{"spec.parameters: nobody must be absent: no rule reads it"}},
		{name: "with parameters that no rule reads", policy: policy.Policy{Name: "p", Parameters: map[string]any{"namespace": map[string]any{"permitted": []any{}}}}, says: []string{"spec.parameters: namespace.permitted must be absent"}},
		{name: "with parameters of another kind", policy: policy.Policy{Name: "p", Parameters: map[string]any{"namespace": map[string]any{"allowed": "all"}}}, says: []string{"spec.parameters: namespace.allowed: Invalid type. Expected: array, given: string"}},
		{name: "with own parameters that are no object", policy: policy.Policy{Name: "team-a", Modules: teamA().Modules, Parameters: map[string]any{"team_label": 1.0}}, says: []string{"spec.parameters: team_label must be absent"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := compiled(t, test.policy)
			expectFault(t, err, test.policy.Name, test.says...)
		})
	}
}

// TestPoliciesCannotReachBeyondTheirOwn tries what an author might to change or to learn what is not theirs.
func TestPoliciesCannotReachBeyondTheirOwn(t *testing.T) {
	elsewhere := func(pkg, body string) policy.Policy {
		return policy.Policy{Name: "team-a", Modules: map[string]string{"team.rego": described + "package " + pkg + "\n\n" + body + "\n"}}
	}
	const rule = "package must be own.team_a.validate.<rule>, own.team_a.mutate.<rule> or own.team_a.lib.<name>, is "
	const reads = "module must read data.lib, data.parameters or data.own.team_a, reads "
	tests := []struct {
		name   string
		policy policy.Policy
		says   string
	}{
		{name: "a package of the library", policy: elsewhere("lib.result", `finding(_, _) := {}`), says: rule + "lib.result"},
		{name: "a new package of the library", policy: elsewhere("lib.mine", `a := 1`), says: rule + "lib.mine"},
		{name: "a built-in rule", policy: elsewhere("validate.namespace", `allowed := ["default"]`), says: rule + "validate.namespace"},
		{name: "what the engine asks", policy: elsewhere("main", `deny := set()`), says: rule + "main"},
		{name: "the parameters", policy: elsewhere("parameters.namespace", `allowed := ["default"]`), says: rule + "parameters.namespace"},
		{name: "which policies match", policy: elsewhere("matching", `a := 1`), says: rule + "matching"},
		{name: "another policy", policy: elsewhere("own.team_b.validate.a", `a := 1`), says: rule + "own.team_b.validate.a"},
		{name: "the root of all policies", policy: elsewhere("own", `team_b.validate.a.deny := set()`), says: rule + "own"},
		{name: "its own root, with rules that nobody described", policy: elsewhere("own.team_a", `validate.a.deny := set()`), says: rule + "own.team_a"},
		{name: "a package below a rule", policy: elsewhere("own.team_a.validate.a.deny", `a := 1`), says: rule + "own.team_a.validate.a.deny"},
		{name: "a kind that nobody asks", policy: elsewhere("own.team_a.warn.a", `a := 1`), says: rule + "own.team_a.warn.a"},
		{name: "a built-in rule's code", policy: elsewhere("own.team_a.validate.namespace", `a := 1`), says: "team.rego:5:1: rule must have a code that no other has, has namespace of the library"},
		{name: "a mutating rule's code", policy: elsewhere("own.team_a.validate.defaults", `a := 1`), says: "has defaults of the library"},
		{name: "by an import of another policy", policy: module("import data.own.team_b.lib.a\n\ndeny contains a"), says: "team.rego:7:8: " + reads + "data.own.team_b.lib.a"},
		{name: "by an import of what the engine asks", policy: module("import data.main\n\ndeny contains main.deny"), says: reads + "data.main"},
		{name: "by an import of a built-in rule", policy: module("import data.validate.namespace\n\ndeny contains namespace.allowed"), says: reads + "data.validate.namespace"},
		{name: "by an import of everything", policy: module("import data.own\n\ndeny contains own.team_b"), says: reads + "data.own"},
		{name: "by reading everything", policy: module(`deny contains x if walk(data, x)`), says: reads + "data"},
		{name: "by reading all policies", policy: module(`deny contains x if x := data.own[_].validate`), says: reads + "data.own"},
		{name: "by reading what the input names", policy: module(`deny contains x if x := data[input.request.name].deny`), says: reads + "data[input.request.name]"},
		{name: "by reading which policies match", policy: module(`deny contains x if x := data.matching`), says: reads + "data.matching"},
		{name: "by another answer of a built-in rule", policy: module("deny contains 1 if {\n\tcount(data.lib.a) > 0 with data.validate.namespace.deny as set()\n}"), says: reads + "data.validate.namespace.deny"},
		{name: "by another everything", policy: module("deny contains 1 if {\n\tcount(data.lib.a) > 0 with data as {}\n}"), says: reads + "data"},
		{name: "by a reference in another's key", policy: module("x := {\"a\": 1}\n\ndeny contains x[data.main.deny[_]]"), says: reads + "data.main.deny"},
		{name: "by a reference in a comprehension of a default", policy: module("default deny := {1 | data.main.deny[_]}"), says: ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := compiled(t, test.policy)
			expectFault(t, err, "team-a", test.says)
		})
	}
}

// TestWithInARuleStaysThere lets a rule evaluate the library with another answer, which nobody else gets.
func TestWithInARuleStaysThere(t *testing.T) {
	engine := withPolicies(t, module(`deny contains {"field": "spec", "message": "no", "fix": ""} if {
	data.lib.words.one_of(["a"]) == "b" with data.lib.words.one_of as replaced
	with data.parameters.namespace.allowed as ["elsewhere"]
	with input as {}
}

replaced(_) := "b"`))
	in := labelled(t, `{}`)
	in.Gateway.(map[string]any)["metadata"].(map[string]any)["namespace"] = "elsewhere"
	denials := judged(t, engine, in).Denials
	if got := of("namespace", denials); len(got) != 1 || !strings.Contains(got[0], "must be istio-system, is elsewhere") {
		t.Errorf("got %q, want the built-in rule's own words", got)
	}
	if len(of("team_label", denials)) != 1 {
		t.Errorf("got %v, want what the own rule found", denials)
	}
}

func TestPoliciesWithOneCodeAreRefused(t *testing.T) {
	second := policy.Policy{Name: "team-b", Modules: map[string]string{"b.rego": strings.ReplaceAll(teamLabel, "own.team_a", "own.team_b")}}
	_, err := compiled(t, second, teamA())
	expectFault(t, err, "team-b", "b.rego:7:1: rule must have a code that no other has, has team_label of GatewayPolicy team-a")
}

func TestEveryFaultOfEveryPolicyIsSaidAtOnce(t *testing.T) {
	bad := policy.Policy{Name: "bad", Modules: map[string]string{
		"a.rego": "package own.bad.validate.a\n\nx := data.main\n\ny := data.validate\n",
		"b.rego": "package own.bad.validate.b\n\nx := {\n",
		"c.rego": "package elsewhere\n\nx := }\n",
	}}
	worse := policy.Policy{Name: "worse", Enforcements: map[string]policy.Enforcement{"a": "b"}}
	_, err := compiled(t, worse, teamA(), bad)
	expectFault(t, err, "bad", "b.rego:4:1", "c.rego:3:6")
	expectFault(t, err, "worse", "a must be a validating rule")
	fault := (*policy.FaultError)(nil)
	if errors.As(err, &fault); fault.Policies["team-a"] != nil {
		t.Errorf("GatewayPolicy team-a is blamed for %v", fault.Policies["team-a"])
	}
	expectError(t, err, "GatewayPolicy bad: ", "GatewayPolicy worse: ")
}

func TestErrorsOfTheCompilerBlameWhoseTheyAre(t *testing.T) {
	var many []policy.Policy
	for _, name := range []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"} {
		many = append(many, policy.Policy{Name: name, Modules: map[string]string{"x.rego": described + "package own." + name + ".validate.rule_" + name + "\n\ndeny contains finding if not nobody\n"}})
	}
	_, err := compiled(t, append(many, teamA())...)
	for _, policy := range many {
		expectFault(t, err, policy.Name, "x.rego:7:15: rego_unsafe_var_error: var finding is unsafe")
	}
}

func TestLibraryThatCollectsNoOwnRulesTakesNone(t *testing.T) {
	_, err := policy.New(t.Context(), with(quiet(), nil), policy.Options{Policies: []policy.Policy{teamA()}})
	expectFault(t, err, "team-a", "rules must collect data.own in main/ to have rules of policies beside them, do not")
}

func TestLibraryHasNoOwnFolder(t *testing.T) {
	_, err := policy.New(t.Context(), with(quiet(), map[string]string{"own/team_a/validate/x.rego": "package own.team_a.validate\n"}), policy.Options{})
	expectError(t, err, "own/team_a/validate/x.rego: folder must be another than own/")
}

func TestOwnDefaultsThatFightAreRefusedAtLoad(t *testing.T) {
	dns := func(name, value string) policy.Policy {
		return policy.Policy{Name: name, Modules: map[string]string{"dns.rego": described + "package own." + name + ".mutate.dns_" + name + "\n\nfill[\"/spec/podLabels/dns\"] := \"" + value + "\"\n"}}
	}
	t.Run("with the library's", func(t *testing.T) {
		own := policy.Policy{Name: "a", Modules: map[string]string{"dns.rego": described + "package own.a.mutate.dns\n\nfill[\"/spec/dnsPolicy\"] := \"Default\"\n"}}
		_, err := compiled(t, own)
		expectFault(t, err, "a", `rules mutate/defaults and mutate/dns must agree on /spec/dnsPolicy, want "ClusterFirst" and "Default"`)
	})
	t.Run("with each other's", func(t *testing.T) {
		_, err := compiled(t, dns("a", "x"), dns("b", "y"))
		for _, name := range []string{"a", "b"} {
			expectFault(t, err, name, `rules mutate/dns_a and mutate/dns_b must agree on /spec/podLabels/dns, want "x" and "y"`)
		}
	})
	t.Run("with parameters of another", func(t *testing.T) {
		tuned := policy.Policy{Name: "b", Parameters: map[string]any{"defaults": map[string]any{"all": map[string]any{"podLabels": map[string]any{"dns": "y"}}}}}
		_, err := compiled(t, dns("a", "x"), tuned)
		expectFault(t, err, "a", "must agree on /spec/podLabels/dns")
	})
	t.Run("but not where no gateway has both", func(t *testing.T) {
		first, second := dns("a", "x"), dns("b", "y")
		first.Match, second.Match = matching(t, "env=a"), matching(t, "env=b")
		withPolicies(t, first, second)
	})
}
