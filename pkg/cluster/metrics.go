package cluster

import (
	"github.com/prometheus/client_golang/prometheus"
)

// counts are what is counted of a member's connections.
type counts struct {
	// made are the connections that were made, lost how often the cluster was lost.
	made, lost int
	// synced is how long the newest connection took until everything was read, in seconds.
	synced float64
}

// metrics describe what is told of connections.
type metrics struct {
	sync, rotations, losses *prometheus.Desc
}

// newMetrics describes them.
func newMetrics() metrics {
	desc := func(name, help string) *prometheus.Desc {
		return prometheus.NewDesc("portcullis_cluster_"+name, help, []string{"cluster"}, nil)
	}
	return metrics{
		sync:      desc("sync_seconds", "How long the connection to a cluster took until everything there was read."),
		rotations: desc("rotations_total", "How often the connection to a cluster was replaced by one with another kubeconfig."),
		losses:    desc("losses_total", "How often a connected cluster was lost."),
	}
}

// Describe says what is told.
func (r *Registry) Describe(out chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{r.metrics.sync, r.metrics.rotations, r.metrics.losses} {
		out <- desc
	}
}

// Collect tells of the clusters that are registered now: one that is taken away leaves no series behind.
func (r *Registry) Collect(out chan<- prometheus.Metric) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	for id, m := range r.members {
		told := m.told()
		out <- prometheus.MustNewConstMetric(r.metrics.rotations, prometheus.CounterValue, float64(max(0, told.made-1)), id)
		out <- prometheus.MustNewConstMetric(r.metrics.losses, prometheus.CounterValue, float64(told.lost), id)
		if told.made > 0 {
			out <- prometheus.MustNewConstMetric(r.metrics.sync, prometheus.GaugeValue, told.synced, id)
		}
	}
}

// told is what is counted of a member.
func (m *member) told() counts {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.counts
}
