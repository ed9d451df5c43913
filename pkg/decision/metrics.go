package decision

import (
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	admissionv1 "k8s.io/api/admission/v1"

	"portcullis.dev/portcullis/pkg/policy"
)

// Rules whose refusal asks for an approval.
const (
	codeRestart = "restart_approval"
	codeAddress = "address_approval"
)

// mostRules is how many rules have series of their own. Own rules are their authors' to name, and a set that changes
// from day to day must not add up.
const mostRules = 256

// other stands for whatever has no series of its own.
const other = "other"

// Metrics count decisions. Nothing of a request but its operation is a label, so that neither the number of gateways nor
// that of users makes a difference to it.
type Metrics struct {
	decisions, findings *prometheus.CounterVec
	duration            *prometheus.HistogramVec
	requested, given    prometheus.Counter

	mutex sync.Mutex
	rules map[string]bool
}

// NewMetrics makes the metrics, and registers them.
func NewMetrics(registry prometheus.Registerer) (*Metrics, error) {
	m := &Metrics{
		rules: map[string]bool{},
		decisions: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "portcullis_admission_decisions_total",
			Help: "Decisions on requests, dry runs included, by webhook, operation and verdict: admitted, refused by rules, or undecided and therefore not let in.",
		}, []string{"webhook", "operation", "verdict"}),
		findings: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "portcullis_admission_findings_total",
			Help: "Sentences of rules in decisions, by rule and by enforcement: Deny, Warn or Audit.",
		}, []string{"rule", "enforcement"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:                            "portcullis_admission_duration_seconds",
			Help:                            "Time that decisions took, by webhook; as a classic and as a native histogram.",
			Buckets:                         []float64{.00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5},
			NativeHistogramBucketFactor:     1.1,
			NativeHistogramMaxBucketNumber:  100,
			NativeHistogramMinResetDuration: time.Hour,
		}, []string{"webhook"}),
		requested: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "portcullis_approvals_requested_total",
			Help: "Changes that were refused because nobody has approved them; each is a request for an approval.",
		}),
		given: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "portcullis_approvals_given_total",
			Help: "Approvals that were made.",
		}),
	}
	for _, metric := range []prometheus.Collector{m.decisions, m.findings, m.duration, m.requested, m.given} {
		if err := registry.Register(metric); err != nil {
			return nil, err
		}
	}
	// There from the start, so that the first increase can be seen.
	for webhook, operations := range webhooks() {
		m.duration.WithLabelValues(webhook)
		for _, operation := range operations {
			for _, verdict := range []Verdict{Admitted, Refused, Undecided} {
				m.decisions.WithLabelValues(webhook, string(operation), string(verdict))
			}
		}
	}
	return m, nil
}

// webhooks are all that record, and the operations that they are asked about.
func webhooks() map[string][]admissionv1.Operation {
	return map[string][]admissionv1.Operation{
		"mutate":            {admissionv1.Create, admissionv1.Update},
		"mutate-approval":   {admissionv1.Create},
		"validate":          {admissionv1.Create, admissionv1.Update, admissionv1.Delete},
		"validate-approval": {admissionv1.Create},
		"validate-policy":   {admissionv1.Create, admissionv1.Update, admissionv1.Delete},
	}
}

// Observe counts a decision.
func (m *Metrics) Observe(record Record) {
	m.decisions.WithLabelValues(record.Webhook, operation(record.Operation), string(record.Verdict)).Inc()
	m.duration.WithLabelValues(record.Webhook).Observe(record.Seconds)
	for _, finding := range record.Findings {
		m.findings.WithLabelValues(m.rule(finding.Code), string(finding.Enforcement)).Inc()
	}
	if record.DryRun {
		// Nothing came of it.
		return
	}
	if slices.ContainsFunc(record.Findings, asksForApproval) {
		m.requested.Inc()
	}
	if record.Webhook == "validate-approval" && record.Verdict == Admitted {
		m.given.Inc()
	}
}

// rule is the label of a rule.
func (m *Metrics) rule(code string) string {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if !m.rules[code] && len(m.rules) >= mostRules {
		return other
	}
	m.rules[code] = true
	return code
}

// operation is the label of an operation. Whoever reaches the port can name one that there is not.
func operation(of string) string {
	switch admissionv1.Operation(of) {
	case admissionv1.Create, admissionv1.Update, admissionv1.Delete, admissionv1.Connect:
		return of
	default:
		return other
	}
}

// asksForApproval says whether a finding refuses a change for want of an approval.
func asksForApproval(finding Finding) bool {
	return finding.Enforcement == policy.Deny && (finding.Code == codeRestart || finding.Code == codeAddress)
}
