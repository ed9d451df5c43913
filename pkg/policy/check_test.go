package policy_test

import (
	"errors"
	"testing"
	"time"

	"portcullis.dev/portcullis/pkg/policy"
	"portcullis.dev/portcullis/policies"
)

// testedBy is team-a's rule with a test module.
func testedBy(body string) policy.Policy {
	own := teamA()
	own.Tests = map[string]string{"team_test.rego": "package own.team_a.validate.team_label_test\n\nimport data.own.team_a.validate.team_label\n\n" + body + "\n"}
	return own
}

// checked checks team-a among some policies.
func checked(t *testing.T, with ...policy.Policy) error {
	t.Helper()
	return policy.Check(t.Context(), policies.FS, policy.Options{Deadline: time.Minute, Policies: with}, "team-a")
}

func TestCheckAcceptsAPolicyThatPassesItsTests(t *testing.T) {
	own := testedBy(`test_refuses_an_empty_object if count(team_label.deny) == 1 with input as {}

test_accepts_a_team if {
	team_label.deny == set() with input.gateway.metadata.labels.team as "a"
}

test_reads_parameters if data.parameters.namespace.allowed == ["istio-system"]

test_reads_its_own_parameters if data.parameters.team_label.teams == ["a"]

helper := 1

test_uses_the_helper if helper == 1`)
	own.Parameters = map[string]any{"team_label": map[string]any{"teams": []any{"a"}}}
	if err := checked(t, own); err != nil {
		t.Error(err)
	}
}

func TestCheckRefuses(t *testing.T) {
	tests := []struct{ name, body, says string }{
		{name: "a test that is false", body: "test_no := false if team_label.deny", says: "team_test.rego:5:1: test_no must be true, is false"},
		{name: "a test that is undefined", body: "test_no if team_label.nothing", says: "team_test.rego:5:1: test_no must be true, is undefined"},
		{name: "a test that finds nothing", body: "test_no if input.old with input as {\"a\": team_label.deny}", says: "test_no must be true, is undefined"},
		{name: "a test that is something else", body: "test_no := count(team_label.deny)", says: "test_no must be true, is 1"},
		{name: "a test that errs", body: "test_no if to_number(\"a\") == count(team_label.deny)", says: "test_no must be true, cannot be evaluated: "},
		{name: "a test that contradicts itself", body: "test_no := true if team_label.deny\n\ntest_no := false if team_label.deny", says: "cannot be evaluated"},
		{name: "a test of cases, of which those that fail are absent", body: "test_no[x] if some x in [1, 2, team_label.deny]", says: "test_no must be a rule without keys and arguments, so that it can fail"},
		{name: "a test that is a set", body: "test_no contains team_label.deny", says: "test_no must be a rule without keys and arguments"},
		{name: "a test with arguments", body: "test_no(x) if x == team_label.deny", says: "test_no must be a rule without keys and arguments"},
		{name: "a module without a test", body: "helper := team_label.deny", says: "team_test.rego:1:1: module must hold a test, holds none"},
		{name: "a test that reads what is not its own", body: "test_no if data.main.deny == team_label.deny", says: "module must read data.lib, data.parameters or data.own.team_a, reads data.main.deny"},
		{name: "a test that reaches outside", body: "test_no if http.send({}) == team_label.deny", says: "http.send is forbidden"},
		{name: "a test that does not parse", body: "test_no if {", says: "team_test.rego:6:1: rego_parse_error"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			expectFault(t, checked(t, testedBy(test.body)), "team-a", test.says)
		})
	}
}

func TestCheckRefusesTestsOfOthers(t *testing.T) {
	own := teamA()
	own.Tests = map[string]string{"team_test.rego": "package validate.namespace_test\n\ntest_yes := true\n"}
	expectFault(t, checked(t, own), "team-a", "package must be own.team_a.validate.<rule>_test")
	own.Tests = map[string]string{"team.rego": "package own.team_a.validate.team_label_test\n\ntest_yes := true\n"}
	expectFault(t, checked(t, own), "team-a", "team.rego: test must have another name than the module that it tests")
}

func TestCheckSaysEveryTestThatFails(t *testing.T) {
	err := checked(t, testedBy("test_a := false\n\ntest_b if team_label.deny\n\ntest_c := 1"))
	expectFault(t, err, "team-a", "team_test.rego:5:1: test_a must be true, is false", "team_test.rego:9:1: test_c must be true, is 1")
}

func TestCheckBlamesNobodyForOthers(t *testing.T) {
	bad := policy.Policy{Name: "bad", Enforcements: map[string]policy.Enforcement{"nobody": policy.Warn}}
	worse := policy.Policy{Name: "worse", Modules: map[string]string{"a.rego": described + "package own.worse.validate.a\n\ndeny contains x if not x\n"}}
	if err := checked(t, bad, teamA(), worse); err != nil {
		t.Error(err)
	}
	expectFault(t, checked(t, bad, testedBy("test_a := false if team_label.deny"), worse), "team-a", "test_a must be true")
}

func TestCheckThatCannotBeMadeBlamesNobody(t *testing.T) {
	err := policy.Check(t.Context(), with(quiet(), map[string]string{"main/main.rego": "package main\n"}), policy.Options{Policies: []policy.Policy{{Name: "team-a"}}}, "team-a")
	fault := (*policy.FaultError)(nil)
	if err == nil || errors.As(err, &fault) {
		t.Errorf("got %v, want an error that blames no policy", err)
	}
}

func TestTestsThatNeverEndAreStopped(t *testing.T) {
	err := checked(t, testedBy("test_no if count([x | some i in numbers.range(1, 1000000); some j in numbers.range(1, 1000000); x := i * j]) == count(team_label.deny)"))
	expectFault(t, err, "team-a", "test_no must end: tests must end within 3s, have not")
}
