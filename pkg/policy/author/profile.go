package author

import (
	"cmp"
	"context"
	"fmt"
	"path"
	"slices"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/profiler"
	"github.com/open-policy-agent/opa/v1/rego"
)

// Share is a rule's part in the time of a decision.
type Share struct {
	// Rule is its folder, or that of what rules share.
	Rule string `json:"rule"`
	// Percent of the time that all rules took together.
	Percent float64 `json:"percent"`
	// Slowest is the line that took most of it, file:line, and SlowestPercent its part of the time of all rules.
	Slowest        string  `json:"slowest"`
	SlowestPercent float64 `json:"slowestPercent"`
}

// Profile asks the rules about some inputs, each a number of times, and says which took how much of the time, the
// slowest first. Looking makes them slower by far, all alike: the shares hold, the time itself is for a benchmark.
func (s *Set) Profile(ctx context.Context, inputs []any, times int) ([]Share, error) {
	modules, err := parse(s.withoutTests())
	if err != nil {
		return nil, fmt.Errorf("parsing: %w", err)
	}
	compiler := s.compiler()
	if compiler.Compile(modules); compiler.Failed() {
		return nil, fmt.Errorf("compiling: %w", compiler.Errors)
	}
	profile := profiler.New()
	for _, query := range []string{"data.main.mutate", "data.main.validate"} {
		prepared, err := rego.New(rego.Query(query), rego.Compiler(compiler), rego.Store(s.store())).PrepareForEval(ctx)
		if err != nil {
			return nil, fmt.Errorf("preparing %s: %w", query, err)
		}
		for _, input := range inputs {
			if err := watched(ctx, prepared, input, times, profile); err != nil {
				return nil, fmt.Errorf("evaluating %s: %w", query, err)
			}
		}
	}
	return s.shares(profile.ReportTopNResults(0, []string{"total_time_ns"})), nil
}

// watched asks a query about an input a number of times, and has a profile watch.
func watched(ctx context.Context, prepared rego.PreparedEvalQuery, input any, times int, profile *profiler.Profiler) error {
	value, err := ast.InterfaceToValue(input)
	if err != nil {
		return fmt.Errorf("reading the input: %w", err)
	}
	for range times {
		if _, err := prepared.Eval(ctx, rego.EvalParsedInput(value), rego.EvalQueryTracer(profile)); err != nil {
			return err
		}
	}
	return nil
}

// shares adds up the time of each folder. What is asked of none of them is the engine's own.
func (s *Set) shares(lines []profiler.ExprStats) []Share {
	folders := map[string]string{}
	for _, module := range s.modules {
		folders[module.shown] = module.folder()
	}
	total, times, slowest := time.Duration(0), map[string]time.Duration{}, map[string]profiler.ExprStats{}
	for _, line := range lines {
		folder, ok := folders[line.Location.File]
		if !ok {
			continue
		}
		took := time.Duration(line.ExprTimeNs)
		total += took
		times[folder] += took
		if line.ExprTimeNs > slowest[folder].ExprTimeNs {
			slowest[folder] = line
		}
	}
	percent := func(part time.Duration) float64 { return 100 * float64(part) / float64(max(total, 1)) }
	shares := []Share{}
	for folder, took := range times {
		line := slowest[folder]
		shares = append(shares, Share{
			Rule: path.Clean(folder), Percent: percent(took),
			Slowest:        fmt.Sprintf("%s:%d", line.Location.File, line.Location.Row),
			SlowestPercent: percent(time.Duration(line.ExprTimeNs)),
		})
	}
	slices.SortFunc(shares, func(a, b Share) int {
		return cmp.Or(cmp.Compare(b.Percent, a.Percent), cmp.Compare(a.Rule, b.Rule))
	})
	return shares
}
