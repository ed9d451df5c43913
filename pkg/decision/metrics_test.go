package decision

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	admissionv1 "k8s.io/api/admission/v1"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	"portcullis.dev/portcullis/pkg/policy"
)

// counting are metrics and the registry that they are in.
func counting(t *testing.T) (*Metrics, *prometheus.Registry) {
	t.Helper()
	registry := prometheus.NewRegistry()
	metrics, err := NewMetrics(registry)
	if err != nil {
		t.Fatal(err)
	}
	return metrics, registry
}

// of is a finding of a rule, with its enforcement.
func of(code string, enforcement policy.Enforcement) Finding {
	return Finding{policy.Finding{Code: code, Field: "spec", Message: "no"}, enforcement}
}

func TestMetricsCountWhatWasDecided(t *testing.T) {
	metrics, registry := counting(t)
	for _, record := range []Record{
		{Webhook: "validate", Operation: "UPDATE", Verdict: Refused, Findings: []Finding{of("restart_approval", policy.Deny), of("address_approval", policy.Deny), of("env", policy.Audit)}},
		{Webhook: "validate", Operation: "UPDATE", Verdict: Refused, DryRun: true, Findings: []Finding{of("restart_approval", policy.Deny)}},
		{Webhook: "validate", Operation: "UPDATE", Verdict: Admitted, Findings: []Finding{of("restart_approval", policy.Audit), of("ports", policy.Warn)}},
		{Webhook: "validate", Operation: "EAT", Verdict: Undecided},
		{Webhook: "validate-approval", Operation: "CREATE", Verdict: Admitted},
		{Webhook: "validate-approval", Operation: "CREATE", Verdict: Admitted, DryRun: true},
		{Webhook: "validate-approval", Operation: "CREATE", Verdict: Refused, Findings: []Finding{of("approval", policy.Deny)}},
	} {
		metrics.Observe(record)
	}
	const want = `
# HELP portcullis_admission_findings_total Sentences of rules in decisions, by rule and by enforcement: Deny, Warn or Audit.
# TYPE portcullis_admission_findings_total counter
portcullis_admission_findings_total{enforcement="Audit",rule="env"} 1
portcullis_admission_findings_total{enforcement="Audit",rule="restart_approval"} 1
portcullis_admission_findings_total{enforcement="Deny",rule="address_approval"} 1
portcullis_admission_findings_total{enforcement="Deny",rule="approval"} 1
portcullis_admission_findings_total{enforcement="Deny",rule="restart_approval"} 2
portcullis_admission_findings_total{enforcement="Warn",rule="ports"} 1
# HELP portcullis_approvals_given_total Approvals that were made.
# TYPE portcullis_approvals_given_total counter
portcullis_approvals_given_total 1
# HELP portcullis_approvals_requested_total Changes that were refused because nobody has approved them; each is a request for an approval.
# TYPE portcullis_approvals_requested_total counter
portcullis_approvals_requested_total 1
`
	names := []string{"portcullis_admission_findings_total", "portcullis_approvals_given_total", "portcullis_approvals_requested_total"}
	if err := testutil.GatherAndCompare(registry, strings.NewReader(want), names...); err != nil {
		t.Error(err)
	}
	for labels, want := range map[[3]string]float64{
		{"validate", "UPDATE", "refused"}:            2,
		{"validate", "UPDATE", "admitted"}:           1,
		{"validate", "other", "undecided"}:           1,
		{"validate-approval", "CREATE", "admitted"}:  2,
		{"validate-approval", "CREATE", "undecided"}: 0,
	} {
		if got := testutil.ToFloat64(metrics.decisions.WithLabelValues(labels[:]...)); got != want {
			t.Errorf("%v: got %v, want %v", labels, got, want)
		}
	}
}

func TestMetricsAreAsPromtoolWantsThem(t *testing.T) {
	metrics, registry := counting(t)
	metrics.Observe(Record{Webhook: "validate", Operation: "UPDATE", Verdict: Refused, Findings: []Finding{of("ports", policy.Deny)}})
	problems, err := testutil.GatherAndLint(registry)
	if err != nil || len(problems) > 0 {
		t.Errorf("got %v and %v", problems, err)
	}
}

func TestTheDurationIsAClassicAndANativeHistogram(t *testing.T) {
	metrics, registry := counting(t)
	metrics.Observe(Record{Webhook: "validate", Operation: "UPDATE", Verdict: Admitted, Seconds: 0.0007})
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() != "portcullis_admission_duration_seconds" {
			continue
		}
		for _, metric := range family.GetMetric() {
			histogram := metric.GetHistogram()
			if metric.GetLabel()[0].GetValue() != "validate" {
				continue
			}
			if len(histogram.GetBucket()) != 14 || len(histogram.GetPositiveSpan()) != 1 || histogram.GetSampleCount() != 1 {
				t.Errorf("got %v", histogram)
			}
			return
		}
	}
	t.Error("got no duration")
}

func TestAThousandGatewaysAndUsersAddNoSeries(t *testing.T) {
	metrics, registry := counting(t)
	recorder := &Recorder{Listeners: []func(Record){metrics.Observe}}
	ask := func(i int) {
		req := asked()
		req.Name, req.Namespace, req.UserInfo.Username = fmt.Sprintf("g%d", i), fmt.Sprintf("n%d", i), fmt.Sprintf("u%d", i)
		req.UserInfo.Groups, req.DryRun = []string{fmt.Sprintf("team%d", i)}, new(false)
		recorder.Decide(t.Context(), "validate", req, func(_ context.Context, record *Record) admission.Response {
			record.Gateway, record.Revision = req.Namespace+"/"+req.Name, fmt.Sprintf("r%d", i)
			record.Found(policy.Deny, []policy.Finding{{Code: "ports", Field: fmt.Sprintf("spec.ports[%d]", i), Message: fmt.Sprintf("is %d", i)}})
			return admission.Denied("no")
		})
	}
	ask(0)
	before := series(t, registry)
	for i := range 1000 {
		ask(i + 1)
	}
	if after := series(t, registry); after != before {
		t.Errorf("got %d series, want %d as before", after, before)
	}
	if got := testutil.ToFloat64(metrics.decisions.WithLabelValues("validate", "UPDATE", "refused")); got != 1001 {
		t.Errorf("got %v decisions, want 1001", got)
	}
}

func TestAThousandRulesAddNoMoreSeriesThanIsBearable(t *testing.T) {
	metrics, registry := counting(t)
	for i := range 1000 {
		metrics.Observe(Record{Webhook: "validate", Operation: string(admissionv1.Update), Verdict: Refused, Findings: []Finding{of(fmt.Sprintf("own%d", i), policy.Deny)}})
	}
	if got, err := testutil.GatherAndCount(registry, "portcullis_admission_findings_total"); err != nil || got != mostRules+1 {
		t.Errorf("got %d series and %v, want %d and one for the others", got, err, mostRules)
	}
	if got := testutil.ToFloat64(metrics.findings.WithLabelValues("other", "Deny")); got != 1000-mostRules {
		t.Errorf("got %v findings of others, want %d", got, 1000-mostRules)
	}
}

// series is how many series a registry has.
func series(t *testing.T, registry *prometheus.Registry) int {
	t.Helper()
	count, err := testutil.GatherAndCount(registry)
	if err != nil {
		t.Fatal(err)
	}
	return count
}
