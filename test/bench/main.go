// Bench measures what Portcullis costs, on a control plane of its own, and prints each number beside its budget. What is
// a ratio is measured on both sides in the same run, so that it holds on any machine; what is a time is the machine's too.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
)

// sizes say how much is measured.
type sizes struct {
	// gateways there are, each in one cluster.
	gateways int
	// clusters there are, each with a gateway of its own, where many are measured.
	clusters int
	// updates are how often each latency is measured, edits how many edits are followed to what comes of them.
	updates, edits int
	// steady is how long a steady state is watched.
	steady time.Duration
}

// section is one part of what is measured.
type section struct {
	name    string
	measure func(context.Context, sizes, *table) error
}

// sections are all that is measured, in the order of the table.
func sections() []section {
	return []section{
		{"decisions", measureDecisions},
		{"admission", measureAdmission},
		{"controller", measureController},
		{"fleet", measureFleet},
	}
}

func main() {
	var s sizes
	flag.IntVar(&s.gateways, "gateways", 300, "how many gateways there are")
	flag.IntVar(&s.clusters, "clusters", 200, "how many clusters there are, where many are measured")
	flag.IntVar(&s.updates, "updates", 500, "how often each latency of an update is measured")
	flag.IntVar(&s.edits, "edits", 200, "how many edits are followed to what comes of them")
	flag.DurationVar(&s.steady, "steady", time.Minute, "how long the steady state is watched")
	only := flag.String("only", "", "what is measured, separated by commas: decisions, admission, controller, fleet; all when empty")
	flag.Parse()
	if err := run(s, *only); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

// run measures, and prints what was measured even when not all could be.
func run(s sizes, only string) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// What envtest says is not about us, and without a logger it says that it has none.
	ctrl.SetLogger(zap.New(zap.WriteTo(io.Discard)))
	results := &table{}
	var errs []error
	for _, section := range sections() {
		if only != "" && !slices.Contains(strings.Split(only, ","), section.name) {
			continue
		}
		progress("measuring %s", section.name)
		if err := section.measure(ctx, s, results); err != nil {
			errs = append(errs, fmt.Errorf("measuring %s: %w", section.name, err))
		}
	}
	return errors.Join(append(errs, results.print(os.Stdout))...)
}

// progress tells what goes on, beside the table.
func progress(format string, args ...any) {
	fmt.Fprintf(os.Stderr, time.Now().Format(time.TimeOnly)+" "+format+"\n", args...)
}
