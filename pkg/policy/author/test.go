package author

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/cover"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/tester"
	"github.com/open-policy-agent/opa/v1/util/channel"
)

// TestReport says what came of the tests of some rules.
type TestReport struct {
	// Passed, Failed and Skipped count tests. A test is skipped when its name begins with todo_.
	Passed  int `json:"passed"`
	Failed  int `json:"failed"`
	Skipped int `json:"skipped"`
	// Failures, by place.
	Failures []Failure `json:"failures"`
	// Lines and CoveredLines count the lines of the rules that do something, and those of them that a test ran.
	Lines        int `json:"lines"`
	CoveredLines int `json:"coveredLines"`
	// Uncovered are the lines that no test ran, by place.
	Uncovered []Lines `json:"uncovered"`
}

// Coverage is the share of lines that tests ran, in percent. Where there is no line there is nothing to test.
func (r TestReport) Coverage() float64 {
	if r.Lines == 0 {
		return 100
	}
	return 100 * float64(r.CoveredLines) / float64(r.Lines)
}

// And is the report together with another.
func (r TestReport) And(other TestReport) TestReport {
	return TestReport{
		Passed:       r.Passed + other.Passed,
		Failed:       r.Failed + other.Failed,
		Skipped:      r.Skipped + other.Skipped,
		Failures:     append(append([]Failure{}, r.Failures...), other.Failures...),
		Lines:        r.Lines + other.Lines,
		CoveredLines: r.CoveredLines + other.CoveredLines,
		Uncovered:    append(append([]Lines{}, r.Uncovered...), other.Uncovered...),
	}
}

// Lines are some lines of a file, the last included.
type Lines struct {
	File string `json:"file"`
	From int    `json:"from"`
	To   int    `json:"to"`
}

// String is file:line, or file:line-line.
func (l Lines) String() string {
	if l.From == l.To {
		return fmt.Sprintf("%s:%d", l.File, l.From)
	}
	return fmt.Sprintf("%s:%d-%d", l.File, l.From, l.To)
}

// timeout stops a test that never ends.
const timeout = 30 * time.Second

// Test runs the tests of the rules that the author asks about, and says which of their lines no test ran. An error
// means that none could be run: the rules do not parse or do not compile.
func (s *Set) Test(ctx context.Context) (TestReport, error) {
	modules, err := parse(s.modules)
	if err != nil {
		return TestReport{}, fmt.Errorf("parsing: %w", err)
	}
	coverage := cover.New()
	results, err := s.run(ctx, modules, s.packages(modules), func(runner *tester.Runner) {
		// Only what really ran counts, not what the index or an early exit left out.
		runner.SetCoverageQueryTracer(coverage).SetCoverageRuns(nil)
	})
	if err != nil {
		return TestReport{}, err
	}
	report := TestReport{Failures: []Failure{}, Uncovered: []Lines{}}
	for _, result := range results {
		switch {
		case result.Skip:
			report.Skipped++
		case result.Pass():
			report.Passed++
		default:
			report.Failed++
		}
	}
	if report.Failures, err = s.explain(ctx, modules, results); err != nil {
		return TestReport{}, err
	}
	report.cover(coverage.Report(modules), s.asked())
	return report, nil
}

// run runs the tests of some packages.
func (s *Set) run(ctx context.Context, modules map[string]*ast.Module, packages []ast.Ref, configure func(*tester.Runner)) ([]*tester.Result, error) {
	if len(packages) == 0 {
		// Nothing to run is no excuse for what does not compile.
		compiler := s.compiler()
		if compiler.Compile(modules); compiler.Failed() {
			return nil, fmt.Errorf("compiling: %w", compiler.Errors)
		}
		return nil, nil
	}
	store := s.store()
	txn, err := store.NewTransaction(ctx, storage.TransactionParams{})
	if err != nil {
		return nil, fmt.Errorf("opening the parameters: %w", err)
	}
	defer store.Abort(ctx, txn)
	runner := tester.NewRunner().
		SetCompiler(s.compiler()).
		SetModules(modules).
		SetStore(store).
		SetTimeout(timeout).
		SetPrefixMatchers(packages...).
		RaiseBuiltinErrors(true)
	configure(runner)
	results, err := runner.RunTests(ctx, txn)
	if err != nil {
		return nil, fmt.Errorf("compiling: %w", err)
	}
	all := channel.Collect(results)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return all, nil
}

// packages are those of the modules that the author asks about.
func (s *Set) packages(modules map[string]*ast.Module) []ast.Ref {
	var packages []ast.Ref
	for _, module := range s.asked() {
		if module.isTest() {
			packages = append(packages, modules[module.shown].Package.Path)
		}
	}
	return packages
}

// cover reads what was covered of some modules, leaving out the tests.
func (r *TestReport) cover(coverage cover.Report, modules []module) {
	for _, module := range modules {
		file := coverage.Files[module.shown]
		if file == nil || module.isTest() {
			continue
		}
		r.Lines += file.CoveredLines + file.NotCoveredLines
		r.CoveredLines += file.CoveredLines
		for _, lines := range file.NotCovered {
			r.Uncovered = append(r.Uncovered, Lines{File: module.shown, From: lines.Start.Row, To: lines.End.Row})
		}
	}
	slices.SortFunc(r.Uncovered, func(a, b Lines) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To))
	})
	r.Uncovered = joined(r.Uncovered)
}

// joined makes one of lines that overlap or follow each other.
func joined(all []Lines) []Lines {
	out := []Lines{}
	for _, lines := range all {
		last := len(out) - 1
		if last >= 0 && out[last].File == lines.File && lines.From <= out[last].To+1 {
			out[last].To = max(out[last].To, lines.To)
			continue
		}
		out = append(out, lines)
	}
	return out
}
