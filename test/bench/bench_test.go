package main

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

// No test asserts a time: this one asserts that there is one.
func TestEverySectionMeasuresSomething(t *testing.T) {
	tiny := sizes{gateways: 2, clusters: 2, updates: 2, edits: 2, steady: time.Second}
	for _, section := range sections() {
		t.Run(section.name, func(t *testing.T) {
			results := &table{}
			if err := section.measure(t.Context(), tiny, results); err != nil {
				t.Fatal(err)
			}
			budgets := 0
			for _, row := range results.rows {
				if row.budget != "" {
					budgets++
				}
			}
			if budgets == 0 {
				t.Errorf("rows = %v, want one with a budget", results.rows)
			}
		})
	}
}

func TestTheTableSaysWhatIsNotMet(t *testing.T) {
	results := &table{}
	results.within("quick", time.Second, 10*time.Millisecond)
	results.within("slow", time.Second, 2*time.Second)
	results.atMost("none", 0, 0, "")
	results.note("beside", "%d", 7)
	var out bytes.Buffer
	if err := results.print(&out); err != nil {
		t.Fatal(err)
	}
	want := []string{"WHAT BUDGET MEASURED", "quick 1s 10ms met", "slow 1s 2s not met", "none 0 0 met", "beside 7"}
	for i, line := range strings.Split(strings.TrimSpace(out.String()), "\n") {
		if got := strings.Join(strings.Fields(line), " "); got != want[i] {
			t.Errorf("line %d = %q, want %q", i, got, want[i])
		}
	}
}

func TestPercentiles(t *testing.T) {
	var all []time.Duration
	for i := range 100 {
		all = append(all, time.Duration(100-i))
	}
	if p50, p99 := percentile(all, 0.5), percentile(all, 0.99); p50 != 51 || p99 != 100 {
		t.Errorf("p50, p99 = %d, %d, want 51, 100", p50, p99)
	}
	if none := percentile(nil, 0.5); none != 0 {
		t.Errorf("of none = %d, want 0", none)
	}
}
