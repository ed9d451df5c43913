package policy_test

import (
	"io/fs"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"portcullis.dev/portcullis/pkg/policy"
	"portcullis.dev/portcullis/policies"
)

func TestNewCompiles(t *testing.T) {
	t.Run("the built-in rules", func(t *testing.T) {
		newEngine(t, policies.FS)
	})
	t.Run("rules without parameters", func(t *testing.T) {
		newEngine(t, with(quiet(), map[string]string{"parameters.yaml": "", "parameters.schema.json": ""}))
	})
	t.Run("rules beside tests that do not parse", func(t *testing.T) {
		newEngine(t, with(quiet(), map[string]string{"validate/rule/rule_test.rego": "broken"}))
	})
	t.Run("a rule of several files, of which one describes it", func(t *testing.T) {
		newEngine(t, with(quiet(), map[string]string{"validate/rule/more.rego": "package validate.rule\n\nwarn contains 1 if input.never\n"}))
	})
}

func TestNewRefuses(t *testing.T) {
	rule := func(body string) map[string]string {
		return map[string]string{"validate/rule/rule.rego": described + "package validate.rule\n\n" + body + "\n"}
	}
	tests := []struct {
		name    string
		changes map[string]string
		says    []string
	}{
		{
			name:    "a file system without a rule",
			changes: map[string]string{"validate/rule/rule.rego": ""},
			says:    []string{"checking the rules", "there must be a rule in mutate/ or validate/, is none"},
		},
		{
			name:    "rules that only tests describe",
			changes: map[string]string{"validate/rule/rule.rego": "", "validate/rule/rule_test.rego": described + "package validate.rule_test\n"},
			says:    []string{"there must be a rule"},
		},
		{
			name:    "a rule that does not parse, with its line",
			changes: rule("deny contains {"),
			says:    []string{"reading the rules", "validate/rule/rule.rego:8", "rego_parse_error"},
		},
		{
			name:    "a rule that does not compile, with its line",
			changes: rule("deny contains finding if not nobody"),
			says:    []string{"compiling the rules", "validate/rule/rule.rego:7", "rego_unsafe_var_error"},
		},
		{
			name:    "an import that nothing uses",
			changes: rule("import data.lib.result"),
			says:    []string{"compiling the rules", "unused"},
		},
		{
			name:    "a rule without METADATA",
			changes: map[string]string{"validate/rule/rule.rego": "package validate.rule\n"},
			says:    []string{"validate/rule: METADATA of the package must have a title and a description, has not"},
		},
		{
			name:    "a rule without a description",
			changes: map[string]string{"validate/rule/rule.rego": "# METADATA\n# scope: package\n# title: A rule\npackage validate.rule\n"},
			says:    []string{"validate/rule: METADATA of the package must have a title and a description, has not"},
		},
		{
			name:    "a package in another package's folder",
			changes: map[string]string{"validate/rule/rule.rego": described + "package validate.other\n"},
			says:    []string{"validate/rule/rule.rego: package must be validate.rule, as its folder, is validate.other"},
		},
		{
			name:    "rules without the document that says what is filled in",
			changes: map[string]string{"main/main.rego": "package main\n\nvalidate := {}\n"},
			says:    []string{"rules must define data.main.mutate, define none"},
		},
		{
			name:    "rules without the document that says what is refused",
			changes: map[string]string{"main/main.rego": "package main\n\nmutate := {}\n"},
			says:    []string{"rules must define data.main.validate, define none"},
		},
		{
			name:    "parameters that are no YAML",
			changes: map[string]string{"parameters.yaml": "rule: [\n"},
			says:    []string{"reading the parameters", "parameters.yaml"},
		},
		{
			name:    "parameters with the same key twice",
			changes: map[string]string{"parameters.yaml": "rule: {}\nrule: {}\n"},
			says:    []string{"reading the parameters", "rule"},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := policy.New(t.Context(), with(quiet(), test.changes), policy.Options{})
			expectError(t, err, test.says...)
		})
	}
}

func TestNewRefusesEveryFaultAtOnce(t *testing.T) {
	_, err := policy.New(t.Context(), with(quiet(), map[string]string{
		"validate/a/a.rego": "package validate.a\n",
		"mutate/b/b.rego":   described + "package mutate.c\n",
	}), policy.Options{})
	expectError(t, err, "validate/a: METADATA", "mutate/b/b.rego: package must be mutate.b")
}

func TestNewRefusesBuiltinsThatReachOutside(t *testing.T) {
	for _, call := range []string{
		`http.send({"method": "get", "url": "http://127.0.0.1"})`,
		`net.lookup_ip_addr("localhost")`,
		`net.cidr_contains("10.0.0.0/8", "10.1.2.3")`,
		`opa.runtime()`,
		`rego.parse_module("a.rego", "package a")`,
		`rand.intn("a", 2)`,
		`uuid.rfc4122("a")`,
		`time.now_ns()`,
		`io.jwt.decode_verify("a", {})`,
		`crypto.x509.parse_and_verify_certificates("a")`,
		`providers.aws.sign_req({}, {}, 1)`,
		`json.match_schema("{}", {"type": "object"})`,
		`trace("a")`,
	} {
		name, _, _ := strings.Cut(call, "(")
		t.Run(name, func(t *testing.T) {
			_, err := policy.New(t.Context(), with(quiet(), map[string]string{
				"validate/rule/rule.rego": described + "package validate.rule\n\ndeny contains x if x := " + call + "\n",
			}), policy.Options{})
			expectError(t, err, "compiling the rules", "undefined function "+name)
		})
	}
}

func TestRevision(t *testing.T) {
	revision := func(t *testing.T, rules fs.FS, own map[string]any) string {
		t.Helper()
		engine, err := policy.New(t.Context(), rules, policy.Options{Parameters: own})
		if err != nil {
			t.Fatal(err)
		}
		return engine.Revision()
	}
	base := revision(t, with(quiet(), nil), nil)
	if len(base) != 12 {
		t.Errorf("revision is %q, want 12 digits", base)
	}
	comment := "# A comment.\n" + quiet()["main/main.rego"]
	tests := []struct {
		name    string
		changes map[string]string
		own     map[string]any
		same    bool
	}{
		{name: "is the same for the same rules", same: true},
		{name: "does not change with a test", changes: map[string]string{"validate/rule/rule_test.rego": "package validate.rule_test\n"}, same: true},
		{name: "does not change with a parameter that is what it was", own: map[string]any{"rule": map[string]any{"number": 1.0}}, same: true},
		{name: "changes with a rule", changes: map[string]string{"main/main.rego": comment}},
		{name: "changes with a file's name", changes: map[string]string{"main/main.rego": "", "main/all.rego": quiet()["main/main.rego"]}},
		{name: "changes with a parameter of the rules", changes: map[string]string{"parameters.yaml": "rule: {list: [a], number: 2}\n"}},
		{name: "changes with a parameter of the installation", own: map[string]any{"rule": map[string]any{"number": 2.0}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := revision(t, with(quiet(), test.changes), test.own)
			if (got == base) != test.same {
				t.Errorf("revision is %s, was %s before", got, base)
			}
		})
	}
}

func TestAnyNumberMayAskAtOnce(t *testing.T) {
	engine := newEngine(t, policies.FS)
	in := creating(object(t, `{"metadata": {"namespace": "default"}, "spec": {"ports": [{"port": 80}], "overrides": {"c1": {"maxReplicas": 2}}}}`))
	want, err := engine.Validate(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for range 16 {
		group.Go(func() {
			for range 20 {
				got, err := engine.Validate(t.Context(), in)
				if err != nil || !reflect.DeepEqual(got, want) {
					t.Errorf("got %v and %v, want %v", got, err, want)
				}
				if _, err := engine.Mutate(t.Context(), in); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
}

func TestDeadline(t *testing.T) {
	slow := answering(`{}`, `{"deny": [x | some i in numbers.range(1, 100000); some j in numbers.range(1, 100000); x := i * j], "warn": []}`)
	engine, err := policy.New(t.Context(), slow, policy.Options{Deadline: 20 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	_, err = engine.Validate(t.Context(), creating(map[string]any{}))
	expectError(t, err, "asking the validating rules: evaluating: rules must answer within 20ms, have not")
}
