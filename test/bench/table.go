package main

import (
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"
)

// table is what was measured, row by row.
type table struct {
	rows []row
}

// row is one number beside its budget.
type row struct {
	what, budget, measured string
	// met says whether it is within the budget; empty where there is none.
	met string
}

// note adds what has no budget.
func (t *table) note(what, format string, args ...any) {
	t.rows = append(t.rows, row{what: what, measured: fmt.Sprintf(format, args...)})
}

// atMost adds what has a budget, in the budget's own unit.
func (t *table) atMost(what string, budget, measured float64, unit string) {
	met := "not met"
	if measured <= budget {
		met = "met"
	}
	t.rows = append(t.rows, row{what, fmt.Sprintf("%.4g%s", budget, unit), fmt.Sprintf("%.3g%s", measured, unit), met})
}

// within adds a duration that has a budget.
func (t *table) within(what string, budget, measured time.Duration) {
	met := "not met"
	if measured <= budget {
		met = "met"
	}
	t.rows = append(t.rows, row{what, budget.String(), rounded(measured).String(), met})
}

// print prints the table.
func (t *table) print(out io.Writer) error {
	columns := tabwriter.NewWriter(out, 0, 0, 3, ' ', 0)
	// Whether it can be written is known when it is.
	_, _ = fmt.Fprintln(columns, "WHAT\tBUDGET\tMEASURED\t")
	for _, row := range t.rows {
		_, _ = fmt.Fprintf(columns, "%s\t%s\t%s\t%s\n", row.what, row.budget, row.measured, row.met)
	}
	return columns.Flush()
}

// percentile is the value below which a part of some durations lie; zero of none.
func percentile(durations []time.Duration, part float64) time.Duration {
	if len(durations) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(durations))
	return sorted[min(len(sorted)-1, int(part*float64(len(sorted))))]
}

// rounded is a duration in three digits or so.
func rounded(d time.Duration) time.Duration {
	switch {
	case d > time.Minute:
		return d.Round(time.Second)
	case d > time.Second:
		return d.Round(10 * time.Millisecond)
	case d > time.Millisecond:
		return d.Round(10 * time.Microsecond)
	}
	return d.Round(100 * time.Nanosecond)
}

// spread is the median of some durations and the slowest hundredth.
func spread(durations []time.Duration) string {
	return fmt.Sprintf("p50 %s, p99 %s", rounded(percentile(durations, 0.5)), rounded(percentile(durations, 0.99)))
}
