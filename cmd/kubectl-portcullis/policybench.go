package main

import (
	"context"
	_ "embed"
	"fmt"
	"path"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"sigs.k8s.io/yaml"

	"portcullis.dev/portcullis/pkg/policy"
	"portcullis.dev/portcullis/pkg/policy/author"
	"portcullis.dev/portcullis/pkg/review"
)

// benchGateway is what is measured when no gateway is given.
//
//go:embed bench.yaml
var benchGateway []byte

// policyBenchOptions are the flags of policy bench.
type policyBenchOptions struct {
	reviewOptions
	// time to measure each gateway for.
	time time.Duration
	// top is how many rules are shown.
	top int
	// format is one of formats.
	format string
}

// newPolicyBenchCommand measures rules.
func newPolicyBenchCommand(streams genericiooptions.IOStreams) *cobra.Command {
	o := policyBenchOptions{reviewOptions: reviewOptions{streams: streams}}
	command := &cobra.Command{
		Use:   "bench [-f FILE] [DIR]",
		Short: "Measure how long rules take to decide",
		Long: `Measures one decision, mutation and validation, of the rules in a folder (those that this binary carries by default)
for each gateway, and says which rules take most of the time. Without gateways it measures one in 2 clusters and one
in 50.`,
		Example: `  # The rules that this binary carries
  kubectl portcullis policy bench

  # Changed rules, with gateways of your own
  kubectl portcullis policy bench -f gateways/ --with clusters.yaml policies`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(command *cobra.Command, folders []string) error {
			if err := checkFormat(o.format); err != nil {
				return err
			}
			if o.time <= 0 || o.top < 0 {
				return fmt.Errorf("--time must be above 0 and --top at least 0, are %s and %d", o.time, o.top)
			}
			return o.run(command.Context(), folders)
		},
	}
	flags := command.Flags()
	flags.StringSliceVarP(&o.files, "filename", "f", nil, "file or directory with the gateways; - reads standard input")
	flags.StringSliceVar(&o.with, "with", nil, "file with the GatewayClusters that are registered; without it every cluster that a gateway names is taken as registered")
	flags.StringVarP(&o.namespace, "namespace", "n", "default", "namespace of gateways that name none")
	flags.DurationVar(&o.time, "time", time.Second, "how long to measure each gateway")
	flags.IntVar(&o.top, "top", 10, "how many rules to show, the slowest first; 0 shows all")
	addFormat(command, &o.format)
	return command
}

// benchmark is what was measured: the contract of --format json.
type benchmark struct {
	// Decisions by gateway.
	Decisions []measured `json:"decisions"`
	// Rules and their shares of the time, the slowest first.
	Rules []author.Share `json:"rules"`
}

// measured is how long one gateway takes.
type measured struct {
	Gateway  string `json:"gateway"`
	Clusters int    `json:"clusters"`
	// Runs is how many decisions were measured.
	Runs int `json:"runs"`
	// Median and P99 of one decision.
	Median time.Duration `json:"medianNanoseconds"`
	P99    time.Duration `json:"p99Nanoseconds"`
	// Allocations and Bytes of one decision.
	Allocations uint64 `json:"allocations"`
	Bytes       uint64 `json:"bytes"`
}

// run measures and prints.
func (o *policyBenchOptions) run(ctx context.Context, folders []string) error {
	library, err := open(folders)
	if err != nil {
		return err
	}
	engine, err := library.engine(ctx)
	if err != nil {
		return err
	}
	inputs, err := o.inputs(ctx, engine)
	if err != nil {
		return err
	}
	result := benchmark{}
	var asked []any
	for _, input := range inputs {
		one, err := measure(ctx, engine, input, o.time)
		if err != nil {
			return err
		}
		result.Decisions = append(result.Decisions, one)
		asked = append(asked, input)
	}
	if result.Rules, err = library.Profile(ctx, asked, 20); err != nil {
		return fmt.Errorf("profiling: %w", err)
	}
	if o.top > 0 {
		result.Rules = result.Rules[:min(o.top, len(result.Rules))]
	}
	return o.print(result)
}

// inputs are what the rules are asked about the gateways.
func (o *policyBenchOptions) inputs(ctx context.Context, engine *policy.Engine) ([]policy.Input, error) {
	gateways, err := o.benched()
	if err != nil {
		return nil, err
	}
	with, err := read(o.streams.In, o.with)
	if err != nil {
		return nil, err
	}
	judge, err := o.newJudge(ctx, with)
	if err != nil {
		return nil, err
	}
	var inputs []policy.Input
	judge.engine = engine
	judge.keep = func(_ review.Request, decision review.Decision) error {
		inputs = append(inputs, decision.Input)
		return nil
	}
	for i, gateway := range gateways {
		decided, err := judge.decide(ctx, gateway.Object, nil)
		if err != nil {
			return nil, fmt.Errorf("deciding IstioGateway %s: %w", key(gateway), err)
		}
		if len(inputs) == i {
			return nil, fmt.Errorf("IstioGateway %s must be one that the schema lets through to the rules, is not: %s", key(gateway), decided.Denials[0])
		}
	}
	return inputs, nil
}

// benched are the gateways to measure.
func (o *policyBenchOptions) benched() ([]*unstructured.Unstructured, error) {
	if len(o.files) > 0 {
		return o.required()
	}
	var gateways []*unstructured.Unstructured
	for _, clusters := range []int{2, 50} {
		gateway := &unstructured.Unstructured{}
		if err := yaml.Unmarshal(benchGateway, &gateway.Object); err != nil {
			return nil, fmt.Errorf("reading the sample: %w", err)
		}
		var ids []any
		for i := range clusters {
			ids = append(ids, fmt.Sprintf("c%d", i+1))
		}
		if err := unstructured.SetNestedSlice(gateway.Object, ids, "spec", "clusterIds"); err != nil {
			return nil, err
		}
		gateways = append(gateways, gateway)
	}
	return gateways, nil
}

// measure asks the rules about one gateway for some time.
func measure(ctx context.Context, engine *policy.Engine, input policy.Input, duration time.Duration) (measured, error) {
	var before, after runtime.MemStats
	var times []time.Duration
	// The first decisions pay for what later ones find done.
	for end := time.Now().Add(duration / 10); time.Now().Before(end); {
		if err := decideOnce(ctx, engine, input); err != nil {
			return measured{}, err
		}
	}
	runtime.ReadMemStats(&before)
	for end := time.Now().Add(duration); len(times) == 0 || time.Now().Before(end); {
		start := time.Now()
		if err := decideOnce(ctx, engine, input); err != nil {
			return measured{}, err
		}
		times = append(times, time.Since(start))
	}
	runtime.ReadMemStats(&after)
	slices.Sort(times)
	runs := uint64(len(times))
	return measured{
		Gateway:  input.Request.Namespace + "/" + input.Request.Name,
		Clusters: len(input.Clusters),
		Runs:     len(times),
		Median:   times[len(times)/2], P99: times[len(times)*99/100],
		Allocations: (after.Mallocs - before.Mallocs) / runs, Bytes: (after.TotalAlloc - before.TotalAlloc) / runs,
	}, nil
}

// decideOnce asks for both halves of a decision.
func decideOnce(ctx context.Context, engine *policy.Engine, input policy.Input) error {
	if _, err := engine.Mutate(ctx, input); err != nil {
		return err
	}
	_, err := engine.Validate(ctx, input)
	return err
}

// print prints what was measured the way that was asked for.
func (o *policyBenchOptions) print(result benchmark) error {
	if o.format == "json" {
		return printJSON(o.streams.Out, result)
	}
	rows := [][]string{{"GATEWAY", "CLUSTERS", "MEDIAN", "P99", "ALLOCATIONS", "BYTES", "RUNS"}}
	for _, one := range result.Decisions {
		rows = append(rows, []string{
			one.Gateway, fmt.Sprint(one.Clusters), one.Median.Round(time.Microsecond).String(), one.P99.Round(time.Microsecond).String(),
			fmt.Sprint(one.Allocations), fmt.Sprint(one.Bytes), fmt.Sprint(one.Runs),
		})
	}
	shares := [][]string{{"RULE", "SHARE", "SLOWEST LINE", "ITS SHARE"}}
	for _, rule := range result.Rules {
		shares = append(shares, []string{rule.Rule, fmt.Sprintf("%.1f %%", rule.Percent), path.Base(rule.Slowest), fmt.Sprintf("%.1f %%", rule.SlowestPercent)})
	}
	_, err := fmt.Fprintf(o.streams.Out, "%s\n\n%s\n", strings.Join(table(rows), "\n"), strings.Join(table(shares), "\n"))
	return err
}
