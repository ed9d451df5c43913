package main

import (
	"testing"
	"testing/fstest"

	"github.com/spf13/cobra"
	"sigs.k8s.io/yaml"

	"portcullis.dev/portcullis/pkg/policy"
)

// whoAsks is a set of rules that refuses everybody by name.
var whoAsks = fstest.MapFS{
	"parameters.yaml": {Data: []byte("who: {}\n")},
	"main/main.rego": {Data: []byte(`package main

mutate := {"fill": [], "ensure": []}
validate := {"deny": data.validate.who.deny, "warn": []}
`)},
	"validate/who/who.rego": {Data: []byte(`# METADATA
# title: Who
# description: Says who asks for what.
package validate.who

deny contains {"code": "who", "field": "metadata", "fix": "", "message": sprintf("%v of %v, %v, dry run %v", [
	input.request.user.username, input.request.user.groups, input.request.operation, input.request.dryRun,
])}
`)},
}

func TestReviewAsksForTheUserOfTheFlags(t *testing.T) {
	tests := map[string]struct {
		args []string
		old  map[string]any
		want string
	}{
		"a named user": {[]string{"--as", "alice"}, nil, `alice of [], CREATE, dry run true`},
		"a user in groups": {
			[]string{"--as", "alice", "--as-group", "platform", "--as-group", "on-call"}, nil,
			`alice of ["platform", "on-call"], CREATE, dry run true`,
		},
		"a group whose name has a comma": {
			[]string{"--as", "alice", "--as-group", "cn=platform,dc=example"}, nil,
			`alice of ["cn=platform,dc=example"], CREATE, dry run true`,
		},
		"a user who changes what is stored": {
			[]string{"--as", "alice"}, map[string]any{"spec": map[string]any{}},
			`alice of [], UPDATE, dry run true`,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			o, command := reviewOptions{}, &cobra.Command{}
			o.addFlags(command)
			if err := command.ParseFlags(test.args); err != nil {
				t.Fatal(err)
			}
			judge, err := o.newJudge(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			if judge.engine, err = policy.New(t.Context(), whoAsks, policy.Options{}); err != nil {
				t.Fatal(err)
			}
			var object map[string]any
			if err := yaml.Unmarshal([]byte(edgeWith(`{}`)), &object); err != nil {
				t.Fatal(err)
			}
			decision, err := judge.decide(t.Context(), object, test.old)
			if err != nil {
				t.Fatal(err)
			}
			if len(decision.Denials) != 1 || decision.Denials[0].Message != test.want {
				t.Errorf("got %v, want %q", decision.Denials, test.want)
			}
		})
	}
}

// greedy is a set of rules that fills in what no API server would store.
var greedy = fstest.MapFS{
	"parameters.yaml": {Data: []byte("greedy: {}\n")},
	"main/main.rego": {Data: []byte(`package main

mutate := {"fill": [{"rule": "greedy", "path": "/spec/replicaCount", "value": -1, "absent": []}], "ensure": []}
validate := {"deny": [], "warn": []}
`)},
	"mutate/greedy/greedy.rego": {Data: []byte(`# METADATA
# title: Greedy
# description: Fills in too much.
package mutate.greedy

fill := {}
`)},
}

// An API server looks at the schema again after mutation.
func TestReviewRefusesWhatTheRulesFilledInWrongly(t *testing.T) {
	judge, err := (&reviewOptions{}).newJudge(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if judge.engine, err = policy.New(t.Context(), greedy, policy.Options{}); err != nil {
		t.Fatal(err)
	}
	var object map[string]any
	if err := yaml.Unmarshal([]byte(edgeWith(`{}`)), &object); err != nil {
		t.Fatal(err)
	}
	decision, err := judge.decide(t.Context(), object, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := policy.Finding{Code: "schema", Field: "spec.replicaCount", Message: "Invalid value: -1: spec.replicaCount in body should be greater than or equal to 0"}
	if decision.Allowed || len(decision.Denials) != 1 || decision.Denials[0] != want {
		t.Errorf("got %+v, want %+v", decision.Denials, want)
	}
}
