package author_test

import (
	"context"
	"strings"
	"testing"

	"portcullis.dev/portcullis/pkg/policy/author"
)

func TestTestRunsTestsWithCoverage(t *testing.T) {
	report := tested(t, sound())
	if report.Passed != 2 || report.Failed != 0 || report.Skipped != 0 || report.Coverage() != 100 || report.Lines == 0 {
		t.Errorf("got %+v, want two tests that cover everything", report)
	}
	expectLines(t, report.Failures)
	expectLines(t, report.Uncovered)
}

func TestTestSaysWhichLinesNoTestRan(t *testing.T) {
	report := tested(t, but(sound(), "validate/a/a.rego", rule+`
warn contains finding if {
	input.gateway.metadata.labels.a == "old"
	finding := result.finding(rego.metadata.chain(), {
		"field": "metadata.labels.a",
		"message": "must be new, is old",
	})
}

unused := 1

another if {
	true
} else if {
	unused == 1
}
`))
	expectLines(t, report.Uncovered, "rules/validate/a/a.rego:19-24", "rules/validate/a/a.rego:27", "rules/validate/a/a.rego:29-32")
	if got := report.Coverage(); got >= 100 || got < 10 || report.Passed != 2 {
		t.Errorf("got %v %% of %+v", got, report)
	}
}

func TestTestMeasuresARuleWithoutATest(t *testing.T) {
	report := tested(t, but(sound(), "validate/a/a_test.rego", ""))
	if report.Passed != 0 || report.Coverage() != 0 || len(report.Uncovered) == 0 {
		t.Errorf("got %+v, want nothing covered", report)
	}
}

func TestTestRunsOnlyWhatIsAskedAbout(t *testing.T) {
	files := but(sound(), "validate/b/b.rego", "package validate.b\n\nb := 1\n", "validate/b/b_test.rego", "package validate.b_test\n\ntest_b if false\n")
	if report := tested(t, files, "validate/a"); report.Passed != 2 || report.Failed != 0 || report.Coverage() != 100 {
		t.Errorf("got %+v, want validate/a alone", report)
	}
	if report := tested(t, files); report.Passed != 2 || report.Failed != 1 || len(report.Uncovered) != 1 {
		t.Errorf("got %+v, want both", report)
	}
}

func TestTestShowsWhatWasNotTrue(t *testing.T) {
	report := tested(t, but(sound(), "validate/a/a_test.rego", test+`
test_fails if {
	labels := {"b": "c"}
	print("labels are", labels)
	count(a.deny) == 0 with input.gateway.metadata.labels as labels
}
`))
	if report.Passed != 2 || report.Failed != 1 || len(report.Failures) != 1 {
		t.Fatalf("got %+v, want one failure", report)
	}
	got := report.Failures[0]
	if got.Test != "test_fails" || got.File != "rules/validate/a/a_test.rego" || got.Line != 9 || got.At != "rules/validate/a/a_test.rego:12" {
		t.Errorf("got %+v, want it where it is", got)
	}
	for _, part := range []string{"count(a.deny) == 0 with input.gateway.metadata.labels as labels", "{\"b\": \"c\"}\n"} {
		if !strings.Contains(got.Expression, part) {
			t.Errorf("%s does not show %s", got.Expression, part)
		}
	}
	if got.Output != `labels are {"b": "c"}` {
		t.Errorf("got output %q", got.Output)
	}
}

func TestTestShowsTheIterationThatWasNotTrue(t *testing.T) {
	report := tested(t, but(sound(), "validate/a/a_test.rego", test+`
test_each if {
	every n in [1, 2, 3] {
		n != 2
	}
}
`))
	if len(report.Failures) != 1 || report.Failures[0].At != "rules/validate/a/a_test.rego:11" || !strings.Contains(report.Failures[0].Expression, "n != 2\n|\n2") {
		t.Errorf("got %+v, want the second one", report.Failures)
	}
}

func TestTestNamesTheCaseThatFailed(t *testing.T) {
	report := tested(t, but(sound(), "validate/a/a_test.rego", test+`
test_cases[name] if {
	some name, n in {"one": 1, "two": 2, "three": 3}
	n < 3
}
`))
	if len(report.Failures) != 1 || report.Failures[0].Test != "test_cases: three" {
		t.Errorf("got %+v, want case three", report.Failures)
	}
	if report.Failed != 1 || report.Passed != 2 {
		t.Errorf("got %+v", report)
	}
}

func TestTestTakesAnErrorOfABuiltInForAFailure(t *testing.T) {
	report := tested(t, but(sound(), "validate/a/a_test.rego", test+"\ntest_error if to_number(\"a\") != 1\n"))
	if len(report.Failures) != 1 || !strings.Contains(report.Failures[0].Error, "to_number") {
		t.Errorf("got %+v, want the error", report.Failures)
	}
}

func TestTestFailsWhereATestIsNotTrueButDefined(t *testing.T) {
	report := tested(t, but(sound(), "validate/a/a_test.rego", test+"\ntest_value := false\n"))
	if report.Failed != 1 || len(report.Failures) != 1 {
		t.Errorf("got %+v, want one failure", report)
	}
}

func TestTestCountsWhatIsSkipped(t *testing.T) {
	report := tested(t, but(sound(), "validate/a/a_test.rego", test+"\ntodo_test_later if false\n"))
	if report.Passed != 2 || report.Skipped != 1 || report.Failed != 0 {
		t.Errorf("got %+v, want one skipped", report)
	}
	expectLines(t, report.Failures)
}

func TestTestSaysWhyNothingCouldBeRun(t *testing.T) {
	for text, says := range map[string]string{
		"package validate.a\n\ndeny contains":                                                  "parsing: 2 errors occurred:\nrules/validate/a/a.rego:3: rego_parse_error",
		"package validate.a\n\nb := c\n":                                                       "compiling: 1 error occurred: rules/validate/a/a.rego:3: rego_unsafe_var_error",
		"package validate.a\n\nimport data.lib.result\n":                                       "compiling: 1 error occurred: rules/validate/a/a.rego:3: rego_compile_error: import data.lib.result unused",
		"package validate.a\n\nb := http.send({\"method\": \"get\", \"url\": \"http://a\"})\n": "rules/validate/a/a.rego:3: rego_type_error: undefined function http.send",
	} {
		_, err := load(t, but(sound(), "validate/a/a.rego", text)).Test(t.Context())
		expectError(t, err, says)
	}
}

func TestTestStopsWhenItIsTold(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := load(t, sound()).Test(ctx)
	expectError(t, err, context.Canceled.Error())
}

func TestReportsAddUp(t *testing.T) {
	a := author.TestReport{Passed: 1, Failed: 2, Skipped: 3, Lines: 10, CoveredLines: 9, Failures: []author.Failure{{Test: "a"}}, Uncovered: []author.Lines{{File: "a", From: 1, To: 1}}}
	got := a.And(author.TestReport{Passed: 10, Failed: 20, Skipped: 30, Lines: 10, CoveredLines: 6, Failures: []author.Failure{{Test: "b"}}, Uncovered: []author.Lines{{File: "b", From: 2, To: 3}}})
	if got.Passed != 11 || got.Failed != 22 || got.Skipped != 33 || got.Coverage() != 75 || len(got.Failures) != 2 {
		t.Errorf("got %+v", got)
	}
	expectLines(t, got.Uncovered, "a:1", "b:2-3")
	if none := (author.TestReport{}).Coverage(); none != 100 {
		t.Errorf("of no lines %v %% are covered, want 100", none)
	}
}
