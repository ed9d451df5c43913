package reconcile

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
)

// scrapeTimeout bounds how long a scrape may wait for the cache.
const scrapeTimeout = 5 * time.Second

// heldGateways counts the gateways of which a restart is held, when somebody asks. It is counted from their status and
// not as it happens, so that it is right after any restart of ours.
type heldGateways struct {
	reader client.Reader
	held   *prometheus.Desc
}

// newHeldGateways counts the gateways that a reader sees.
func newHeldGateways(reader client.Reader) heldGateways {
	return heldGateways{reader: reader, held: prometheus.NewDesc("portcullis_gateways_held",
		"Gateways of which a restart is held until it is approved, by reason.", []string{"reason"}, nil)}
}

// Describe says what is counted.
func (h heldGateways) Describe(out chan<- *prometheus.Desc) {
	out <- h.held
}

// Collect counts. Each reason is there, with zero when nothing is held for it, so that an alert can compare.
func (h heldGateways) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTimeout)
	defer cancel()
	list := &v1beta1.IstioGatewayList{}
	if err := h.reader.List(ctx, list); err != nil {
		out <- prometheus.NewInvalidMetric(h.held, err)
		return
	}
	counts := map[v1beta1.HoldReason]int{}
	for _, gw := range list.Items {
		if pending := gw.Status.Pending; pending != nil && pending.ReleasedBy == "" {
			counts[pending.Reason]++
		}
	}
	for _, reason := range gravity() {
		out <- prometheus.MustNewConstMetric(h.held, prometheus.GaugeValue, float64(counts[reason]), string(reason))
	}
}

// lostAddresses counts the addresses that load balancers lost, though the gateway asked for them; nobody does when it is
// empty.
type lostAddresses struct {
	prometheus.Counter
}

// newLostAddresses counts from zero.
func newLostAddresses() lostAddresses {
	return lostAddresses{prometheus.NewCounter(prometheus.CounterOpts{
		Name: "portcullis_address_lost_total",
		Help: "Addresses that gateways lost in a cluster where they still ask for a load balancer.",
	})}
}

// count counts what a gateway lost in a cluster.
func (l lostAddresses) count(change readdressed) {
	if l.Counter != nil && !change.released {
		l.Add(float64(len(change.lost)))
	}
}
