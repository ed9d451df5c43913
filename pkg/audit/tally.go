package audit

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/types"

	"portcullis.dev/portcullis/pkg/policy"
)

// tally keeps, for whoever scrapes, what was found of each gateway when it was last audited: a few numbers each, however
// much there is to say.
type tally struct {
	violations, timestamp *prometheus.Desc
	failures              prometheus.Counter

	mutex sync.Mutex
	found map[types.NamespacedName]counted
	// asked are the rules that were asked last, each with what a violation does, and engine holds them.
	asked  []Count
	engine *policy.Engine
}

// counted is what was found of one gateway, and when.
type counted struct {
	counts []Count
	at     time.Time
}

// newTally knows nothing yet.
func newTally() *tally {
	return &tally{
		violations: prometheus.NewDesc("portcullis_audit_violations",
			"What the rules in force have to say of the gateways that there are, by rule and enforcement.", []string{"rule", "enforcement"}, nil),
		timestamp: prometheus.NewDesc("portcullis_audit_timestamp_seconds",
			"When the gateway whose audit is the longest ago was audited.", nil, nil),
		failures: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "portcullis_audit_failures_total",
			Help: "Audits that could not be decided, and results that could not be written.",
		}),
		found: map[types.NamespacedName]counted{},
	}
}

// Metrics are what the audit tells whoever scrapes, of nothing: to describe them.
func Metrics() prometheus.Collector {
	return newTally()
}

// decided keeps what was found of a gateway.
func (t *tally) decided(key types.NamespacedName, counts []Count, at time.Time) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	t.found[key] = counted{counts, at}
}

// forget drops a gateway that is gone, or on its way out.
func (t *tally) forget(key types.NamespacedName) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	delete(t.found, key)
}

// askedAre keeps which rules there are, so that one without violations shows as zero.
func (t *tally) askedAre(engine *policy.Engine) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	if t.engine == engine {
		return
	}
	t.engine, t.asked = engine, nil
	for _, rule := range engine.InForce("", nil) {
		if rule.Enforcement != "" {
			t.asked = append(t.asked, Count{Code: rule.Code, Enforcement: rule.Enforcement})
		}
	}
}

// Describe says what is told.
func (t *tally) Describe(out chan<- *prometheus.Desc) {
	out <- t.violations
	out <- t.timestamp
	t.failures.Describe(out)
}

// Collect sums up.
func (t *tally) Collect(out chan<- prometheus.Metric) {
	t.failures.Collect(out)
	t.mutex.Lock()
	defer t.mutex.Unlock()
	sums := map[Count]int{}
	for _, rule := range t.asked {
		sums[rule] = 0
	}
	var oldest time.Time
	for _, one := range t.found {
		for _, count := range one.counts {
			sums[Count{Code: count.Code, Enforcement: count.Enforcement}] += count.Findings
		}
		if oldest.IsZero() || one.at.Before(oldest) {
			oldest = one.at
		}
	}
	for rule, findings := range sums {
		out <- prometheus.MustNewConstMetric(t.violations, prometheus.GaugeValue, float64(findings), rule.Code, string(rule.Enforcement))
	}
	if !oldest.IsZero() {
		out <- prometheus.MustNewConstMetric(t.timestamp, prometheus.GaugeValue, float64(oldest.UnixMilli())/1000)
	}
}
