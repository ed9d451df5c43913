package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"portcullis.dev/portcullis/pkg/policy/author"
)

// policyTestOptions are the flags of policy test.
type policyTestOptions struct {
	streams genericiooptions.IOStreams
	// minCoverage is the least share of lines that tests must run, in percent.
	minCoverage float64
	// format is one of formats.
	format string
}

// newPolicyTestCommand runs the tests of rules.
func newPolicyTestCommand(streams genericiooptions.IOStreams) *cobra.Command {
	o := policyTestOptions{streams: streams}
	command := &cobra.Command{
		Use:   "test [DIR...]",
		Short: "Run the tests of rules, and say which lines they do not cover",
		Long: `Runs the Rego tests of the rules in the folders (the current one by default), with their parameters, and says which
of their lines no test ran. A failed test is shown with the expression that was not true and its values.

Exit status: 0 when all tests pass and cover enough, 1 when not, 2 when they could not be run.`,
		Example: `  # The rules of a library, and those of one folder of it
  kubectl portcullis policy test policies
  kubectl portcullis policy test policies/validate/ports

  # The rules of GatewayPolicies in rules/own/
  kubectl portcullis policy test rules

  # In a pipeline
  kubectl portcullis policy test rules --format json`,
		RunE: func(command *cobra.Command, folders []string) error {
			if err := checkFormat(o.format); err != nil {
				return err
			}
			if o.minCoverage < 0 || o.minCoverage > 100 {
				return fmt.Errorf("--min-coverage must be between 0 and 100, is %g", o.minCoverage)
			}
			return o.run(command.Context(), folders)
		},
	}
	command.Flags().Float64Var(&o.minCoverage, "min-coverage", 100, "least share of lines that tests must run, in percent")
	addFormat(command, &o.format)
	return command
}

// testResult is what came of the tests: the contract of --format json.
type testResult struct {
	author.TestReport
	// Coverage in percent.
	Coverage float64 `json:"coverage"`
	// MinCoverage is what was asked for.
	MinCoverage float64 `json:"minCoverage"`
	// Pass says whether all is well.
	Pass bool `json:"pass"`
}

// run runs the tests of all folders and prints what came of them.
func (o *policyTestOptions) run(ctx context.Context, folders []string) error {
	libraries, err := openAll(folders)
	if err != nil {
		return err
	}
	all := author.TestReport{Failures: []author.Failure{}, Uncovered: []author.Lines{}}
	for _, library := range libraries {
		report, err := library.Test(ctx)
		if err != nil {
			return err
		}
		all = all.And(report)
	}
	result := testResult{TestReport: all, Coverage: all.Coverage(), MinCoverage: o.minCoverage}
	result.Pass = all.Failed == 0 && all.Coverage() >= o.minCoverage
	if err := o.print(result); err != nil {
		return fmt.Errorf("printing: %w", err)
	}
	if !result.Pass {
		return errRefused
	}
	return nil
}

// print prints the result the way that was asked for.
func (o *policyTestOptions) print(result testResult) error {
	if o.format == "json" {
		return printJSON(o.streams.Out, result)
	}
	for _, failure := range result.Failures {
		printFailure(o.streams.Out, failure)
	}
	for _, lines := range result.Uncovered {
		_, _ = fmt.Fprintf(o.streams.Out, "%s: covered by no test\n", lines)
	}
	skipped := ""
	if result.Skipped > 0 {
		skipped = fmt.Sprintf(", %d skipped", result.Skipped)
	}
	_, err := fmt.Fprintf(o.streams.Out, "%d tests passed, %d failed%s; %d of %d lines covered, %s (at least %g %% wanted)\n",
		result.Passed, result.Failed, skipped, result.CoveredLines, result.Lines, percent(result.Coverage), result.MinCoverage)
	return err
}

// printFailure prints a failed test and why it failed.
func printFailure(out io.Writer, failure author.Failure) {
	_, _ = fmt.Fprintf(out, "%s:%d: %s failed\n", failure.File, failure.Line, failure.Test)
	if failure.Error != "" {
		_, _ = fmt.Fprintln(out, shifted(failure.Error))
	}
	if failure.Expression != "" {
		_, _ = fmt.Fprintf(out, "  at %s, not true:\n%s\n", failure.At, shifted(shifted(failure.Expression)))
	}
	if failure.Output != "" {
		_, _ = fmt.Fprintf(out, "  printed:\n%s\n", shifted(shifted(failure.Output)))
	}
	_, _ = fmt.Fprintln(out)
}

// shifted is a text two spaces further to the right.
func shifted(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = strings.TrimRight("  "+line, " ")
	}
	return strings.Join(lines, "\n")
}

// percent is a share as people read it. What is not everything is never shown as 100 %.
func percent(share float64) string {
	if share < 100 && share > 99.9 {
		return "99.9 %"
	}
	return strings.TrimSuffix(fmt.Sprintf("%.1f", share), ".0") + " %"
}

// printJSON prints a value as JSON.
func printJSON(out io.Writer, value any) error {
	text, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(out, string(text))
	return err
}
