package policies_test

import (
	"testing"

	"portcullis.dev/portcullis/pkg/policy"
	"portcullis.dev/portcullis/pkg/policy/author"
	"portcullis.dev/portcullis/policies"
)

// load reads the library as its authors do.
func load(t *testing.T) *author.Set {
	t.Helper()
	set, err := author.Load(author.Source{Rules: policies.FS, Name: "policies", Capabilities: policy.Capabilities()})
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// TestRego runs the tests of the rules, and wants every line of every rule to be covered by them.
func TestRego(t *testing.T) {
	set := load(t)
	report, err := set.Test(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, failure := range report.Failures {
		t.Errorf("%s:%d: %s failed at %s: %s\n%s\n%s", failure.File, failure.Line, failure.Test, failure.At, failure.Error, failure.Expression, failure.Output)
	}
	for _, lines := range report.Uncovered {
		t.Errorf("%s is covered by no test", lines)
	}
	if report.Failed > 0 || report.Skipped > 0 || report.CoveredLines < report.Lines {
		t.Errorf("%d tests failed and %d were skipped, %d of %d lines are covered; want all of them", report.Failed, report.Skipped, report.CoveredLines, report.Lines)
	}
	if rules := len(set.Rules()); rules == 0 || report.Passed < rules {
		t.Errorf("%d tests passed, want at least one for each of %d rules", report.Passed, rules)
	}
}

// TestRulesHaveTheirForm holds the rules to all that kubectl portcullis policy lint looks at.
func TestRulesHaveTheirForm(t *testing.T) {
	for _, finding := range load(t).Lint() {
		t.Error(finding)
	}
}
