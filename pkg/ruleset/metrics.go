package ruleset

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"portcullis.dev/portcullis/pkg/policy"
)

// Results of a reload.
const (
	resultSwapped = "swapped"
	resultRefused = "refused"
)

// ruleMetrics tell which rules are in force, and how they came to be.
type ruleMetrics struct {
	// reloads counts sets by what came of them.
	reloads *prometheus.CounterVec
	// loaded counts the rules in force, info names their revision, and reloaded says when they came into force.
	loaded, reloaded prometheus.Gauge
	info             *prometheus.GaugeVec
}

// newMetrics makes the metrics, and registers them.
func newMetrics(registry prometheus.Registerer) (ruleMetrics, error) {
	m := ruleMetrics{
		reloads: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "portcullis_rules_reloads_total",
			Help: "Sets of rules that were compiled, by result: swapped in, or refused while the last good set stayed.",
		}, []string{"result"}),
		loaded: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "portcullis_rules_loaded",
			Help: "Rules in force, those of GatewayPolicies included; 0 until there are some.",
		}),
		reloaded: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "portcullis_rules_reload_timestamp_seconds",
			Help: "When the set of rules in force came into force in this process; 0 until there is one.",
		}),
		info: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "portcullis_rules_info",
			Help: "The revision of the rules in force, as decisions name it; always 1.",
		}, []string{"revision"}),
	}
	for _, metric := range []prometheus.Collector{m.reloads, m.loaded, m.reloaded, m.info} {
		if err := registry.Register(metric); err != nil {
			return ruleMetrics{}, err
		}
	}
	// There from the start, so that an increase can be seen.
	for _, result := range []string{resultSwapped, resultRefused} {
		m.reloads.WithLabelValues(result)
	}
	return m, nil
}

// swapped notes that a set came into force.
func (m ruleMetrics) swapped(engine *policy.Engine, now time.Time) {
	m.reloads.WithLabelValues(resultSwapped).Inc()
	m.loaded.Set(float64(engine.Rules()))
	m.reloaded.Set(float64(now.Unix()))
	// One revision at a time, so that a thousand sets leave one series.
	m.info.Reset()
	m.info.WithLabelValues(engine.Revision()).Set(1)
}
