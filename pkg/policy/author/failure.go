package author

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/tester"
	"github.com/open-policy-agent/opa/v1/topdown"
)

// Failure is a test that failed, and why.
type Failure struct {
	// Test is its name, with that of the case that failed where it has several.
	Test string `json:"test"`
	// File and Line of the test.
	File string `json:"file"`
	Line int    `json:"line"`
	// Error says why the test could not be decided: a built-in that failed, or the time that ran out.
	Error string `json:"error,omitempty"`
	// At is the place of the expression that was not true, file:line.
	At string `json:"at,omitempty"`
	// Expression is what was not true, with the values of its variables below it.
	Expression string `json:"expression,omitempty"`
	// Output is what the test printed.
	Output string `json:"output,omitempty"`
}

// explain runs what failed again, and watches: watching everything while coverage is measured is not possible, and
// would take long.
func (s *Set) explain(ctx context.Context, modules map[string]*ast.Module, results []*tester.Result) ([]Failure, error) {
	var packages []ast.Ref
	for _, result := range results {
		if result.Pass() || result.Skip {
			continue
		}
		pkg, err := ast.ParseRef(result.Package)
		if err != nil {
			return nil, err
		}
		packages = append(packages, pkg)
	}
	if len(packages) == 0 {
		return []Failure{}, nil
	}
	again, err := s.run(ctx, modules, packages, func(runner *tester.Runner) { runner.EnableTracing(true) })
	if err != nil {
		return nil, err
	}
	failures := []Failure{}
	for _, result := range again {
		if !result.Pass() && !result.Skip {
			failures = append(failures, failuresOf(result)...)
		}
	}
	slices.SortFunc(failures, func(a, b Failure) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Test, b.Test))
	})
	return failures, nil
}

// failuresOf is one failure for each case of a test that failed, or one for the test.
func failuresOf(result *tester.Result) []Failure {
	failure := Failure{
		Test:   result.Name,
		File:   result.Location.File,
		Line:   result.Location.Row,
		Output: strings.TrimSpace(string(result.Output)),
	}
	if result.Error != nil {
		failure.Error = result.Error.Error()
		return []Failure{failure}
	}
	var failures []Failure
	for names, one := range result.SubResults.Iter {
		if !one.Fail || len(one.SubResults) > 0 {
			continue
		}
		of := failure.because(one.Trace)
		of.Test += ": " + strings.Join(names, ": ")
		failures = append(failures, of)
	}
	if len(failures) == 0 {
		return []Failure{failure.because(result.Trace)}
	}
	return failures
}

// because is the failure with the last expression of a trace that was not true.
func (f Failure) because(trace []*topdown.Event) Failure {
	for _, event := range slices.Backward(trace) {
		if event.Op != topdown.FailOp || event.Location == nil || event.QueryID == 0 || isEvery(event) {
			continue
		}
		var text bytes.Buffer
		if err := topdown.PrettyEvent(&text, event, topdown.PrettyEventOpts{PrettyVars: true}); err != nil {
			continue
		}
		f.At = Lines{File: event.Location.File, From: event.Location.Row, To: event.Location.Row}.String()
		f.Expression = unindented(strings.TrimRight(text.String(), "\n "))
		return f
	}
	return f
}

// unindented is a text as far to the left as its lines allow, a tab being as wide as a space: so the values that are
// shown below an expression stay below what they are of.
func unindented(text string) string {
	lines := strings.Split(text, "\n")
	least := len(text)
	for _, line := range lines {
		if inside := strings.TrimLeft(line, " \t"); inside != "" {
			least = min(least, len(line)-len(inside))
		}
	}
	for i, line := range lines {
		lines[i] = strings.TrimRight(line[min(least, len(line)):], " ")
	}
	return strings.Join(lines, "\n")
}

// isEvery says whether an event is about a whole loop. What is worth reading is what failed inside of it.
func isEvery(event *topdown.Event) bool {
	expr, ok := event.Node.(*ast.Expr)
	if !ok {
		return false
	}
	_, every := expr.Terms.(*ast.Every)
	return every
}
