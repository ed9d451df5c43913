package monitoring_test

import (
	"os"
	"regexp"
	"slices"
	"testing"

	"portcullis.dev/portcullis/tools/dashboard/board"
)

// others are the metrics that alerts and panels read beside our own: controller-runtime's, client-go's, the API server's
// and the Go runtime's.
var others = []string{
	"apiserver_admission_webhook_rejection_count",
	"leader_election_master_status",
	"process_cpu_seconds_total",
	"process_resident_memory_bytes",
	"rest_client_requests_total",
	"workqueue_depth",
	"workqueue_queue_duration_seconds_bucket",
}

// read are the metrics that an expression reads: each has its matchers behind it.
func read(expr string) []string {
	var out []string
	for _, match := range regexp.MustCompile(`([a-zA-Z_:][a-zA-Z0-9_:]*)\{`).FindAllStringSubmatch(expr, -1) {
		out = append(out, match[1])
	}
	return out
}

func TestAlertsAndPanelsReadMetricsThatThereAre(t *testing.T) {
	page, err := os.ReadFile("../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	known := slices.Clone(others)
	for _, match := range regexp.MustCompile("(?m)^\\| `(\\w+)` \\| (\\w+) \\|").FindAllStringSubmatch(string(page), -1) {
		known = append(known, match[1])
		if match[2] == "histogram" {
			known = append(known, match[1]+"_bucket")
		}
	}
	seen := map[string]bool{}
	expect := func(where, expr string) {
		metrics := read(expr)
		if len(metrics) == 0 {
			t.Errorf("%s: reads nothing: %s", where, expr)
		}
		for _, metric := range metrics {
			seen[metric] = true
			if !slices.Contains(known, metric) {
				t.Errorf("%s: reads %s, which nobody tells", where, metric)
			}
		}
	}
	for _, alert := range provide(t).alerts(t).Groups[0].Rules {
		expect(alert.Alert, alert.Expr)
	}
	for _, row := range board.Rows() {
		for _, panel := range row.Panels {
			for _, query := range panel.Queries {
				expect(panel.Title, query.Expr)
			}
		}
	}
	for _, metric := range others {
		if !seen[metric] {
			t.Errorf("nothing reads %s any more", metric)
		}
	}
}
