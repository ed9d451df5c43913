package reconcile

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/api/v1alpha1"
)

// scrapeTimeout bounds how long a scrape may wait for the cache.
const scrapeTimeout = 5 * time.Second

// fleet tells how the gateways and the clusters are, when somebody asks. It is read from their status and not counted as
// it happens, so that it is right after any restart of ours.
type fleet struct {
	reader client.Reader

	gateways, held, heldSince, placements, connected, up *prometheus.Desc
}

// newFleet tells of the gateways and clusters that a reader sees.
func newFleet(reader client.Reader) fleet {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("portcullis_"+name, help, labels, nil)
	}
	return fleet{
		reader:     reader,
		gateways:   desc("gateways", "Gateways by the type and the status of a condition.", "condition", "status"),
		held:       desc("gateways_held", "Gateways of which a restart is held until it is approved, by reason.", "reason"),
		heldSince:  desc("gateways_held_since_timestamp_seconds", "Since when the restart is held that has been held the longest; absent while none is."),
		placements: desc("placements", "Gateways in clusters, each counted in every cluster it is in, by state.", "state"),
		connected:  desc("clusters_connected", "Registered clusters that can be reached."),
		up:         desc("cluster_up", "Whether a registered cluster can be reached: 1 or 0.", "cluster"),
	}
}

// Describe says what is told.
func (f fleet) Describe(out chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{f.gateways, f.held, f.heldSince, f.placements, f.connected, f.up} {
		out <- desc
	}
}

// Collect looks. What cannot be looked at fails the scrape: numbers that are missing would look as if all were well.
func (f fleet) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTimeout)
	defer cancel()
	gateways, registered := &v1beta1.IstioGatewayList{}, &v1alpha1.GatewayClusterList{}
	// Nothing is changed here, so nothing is copied: a scrape costs the same however large gateways are.
	if err := f.reader.List(ctx, gateways, client.UnsafeDisableDeepCopy); err != nil {
		out <- prometheus.NewInvalidMetric(f.gateways, fmt.Errorf("listing IstioGateways: %w", err))
		return
	}
	if err := f.reader.List(ctx, registered, client.UnsafeDisableDeepCopy); err != nil {
		out <- prometheus.NewInvalidMetric(f.connected, fmt.Errorf("listing GatewayClusters: %w", err))
		return
	}
	f.collectConditions(out, gateways.Items)
	f.collectHeld(out, gateways.Items)
	f.collectPlacements(out, gateways.Items)
	f.collectClusters(out, registered.Items)
}

// collectConditions counts the gateways by each condition. What a gateway does not say yet is Unknown, so that the
// statuses of a condition add up to the gateways.
func (f fleet) collectConditions(out chan<- prometheus.Metric, gateways []v1beta1.IstioGateway) {
	statuses := []metav1.ConditionStatus{metav1.ConditionTrue, metav1.ConditionFalse, metav1.ConditionUnknown}
	for _, name := range conditionTypes() {
		counts := map[metav1.ConditionStatus]int{}
		for i := range gateways {
			counts[statusOf(gateways[i].Status.Conditions, name)]++
		}
		for _, status := range statuses {
			out <- gauge(f.gateways, float64(counts[status]), name, string(status))
		}
	}
}

// collectHeld counts the gateways of which a restart is held. Each reason is there, with zero when nothing is held for
// it, so that an alert can compare.
func (f fleet) collectHeld(out chan<- prometheus.Metric, gateways []v1beta1.IstioGateway) {
	counts := map[v1beta1.HoldReason]int{}
	var first time.Time
	for i := range gateways {
		pending := gateways[i].Status.Pending
		if pending == nil || pending.ReleasedBy != "" {
			continue
		}
		counts[pending.Reason]++
		condition := meta.FindStatusCondition(gateways[i].Status.Conditions, v1beta1.ConditionRestartPending)
		if condition != nil && (first.IsZero() || condition.LastTransitionTime.Time.Before(first)) {
			first = condition.LastTransitionTime.Time
		}
	}
	for _, reason := range gravity() {
		out <- gauge(f.held, float64(counts[reason]), string(reason))
	}
	if !first.IsZero() {
		out <- gauge(f.heldSince, float64(first.Unix()))
	}
}

// collectPlacements counts the gateways' clusters.
func (f fleet) collectPlacements(out chan<- prometheus.Metric, gateways []v1beta1.IstioGateway) {
	counts := map[v1beta1.ClusterState]int{}
	for i := range gateways {
		for _, entry := range gateways[i].Status.Clusters {
			counts[entry.State]++
		}
	}
	for _, state := range []v1beta1.ClusterState{v1beta1.ClusterPending, v1beta1.ClusterApplied, v1beta1.ClusterReady, v1beta1.ClusterFailed, v1beta1.ClusterDeleting} {
		out <- gauge(f.placements, float64(counts[state]), string(state))
	}
}

// collectClusters tells which clusters can be reached. One that nobody looked at yet cannot, for all that is known.
func (f fleet) collectClusters(out chan<- prometheus.Metric, registered []v1alpha1.GatewayCluster) {
	connected := 0
	for i := range registered {
		up := 0
		if reachability(&registered[i]) == metav1.ConditionTrue {
			up = 1
		}
		connected += up
		out <- gauge(f.up, float64(up), registered[i].Name)
	}
	out <- gauge(f.connected, float64(connected))
}

// conditionTypes are the types of a gateway's conditions.
func conditionTypes() []string {
	gw := &v1beta1.IstioGateway{}
	summarize(gw, nil)
	var out []string
	for _, condition := range gw.Status.Conditions {
		out = append(out, condition.Type)
	}
	return slices.Clip(out)
}

// statusOf is the status of one of several conditions, Unknown while it is not there.
func statusOf(conditions []metav1.Condition, name string) metav1.ConditionStatus {
	if condition := meta.FindStatusCondition(conditions, name); condition != nil {
		return condition.Status
	}
	return metav1.ConditionUnknown
}

// gauge is one value of now.
func gauge(desc *prometheus.Desc, value float64, labels ...string) prometheus.Metric {
	return prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
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
