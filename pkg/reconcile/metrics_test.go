package reconcile

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/api/v1alpha1"
)

// registryWith has every metric of the controller, of what an API server holds.
func registryWith(t *testing.T, server client.Reader, counted *counts) *prometheus.Registry {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	if err := registerMetrics(registry, newFleet(server), counted, newLostAddresses()); err != nil {
		t.Fatal(err)
	}
	return registry
}

// series are the values of one metric, each by its labels' values.
func series(t *testing.T, registry *prometheus.Registry, name string) map[string]float64 {
	t.Helper()
	families, err := registry.Gather()
	expectError(t, err, "")
	out := map[string]float64{}
	for _, family := range families {
		for _, metric := range family.GetMetric() {
			var labels []string
			for _, label := range metric.GetLabel() {
				labels = append(labels, label.GetValue())
			}
			if family.GetName() == "portcullis_"+name {
				out[strings.Join(labels, " ")] = metric.GetGauge().GetValue() + metric.GetCounter().GetValue()
			}
		}
	}
	return out
}

// above are the series that are not zero.
func above(all map[string]float64) map[string]float64 {
	maps.DeleteFunc(all, func(_ string, value float64) bool { return value == 0 })
	return all
}

func TestMetricsAreNamedByTheConventions(t *testing.T) {
	// Held, so that every metric has a value.
	gw := holding(t, upgradeIn("home", "p:2"))
	summarize(gw, nil)
	registered := registeredAs("home")
	families, err := registryWith(t, apiWith(t, gw, &registered[0]), newCounts()).Gather()
	expectError(t, err, "")
	problems, err := promlint.NewWithMetricFamilies(families).Lint()
	expectError(t, err, "")
	for _, problem := range problems {
		t.Errorf("%s: %s", problem.Metric, problem.Text)
	}
	expectEqual(t, "number of metrics", len(families), 12)
}

func TestHeldGatewaysAreCountedByReason(t *testing.T) {
	first, second, third := holding(t, upgradeIn("home", "p:2")), holding(t, driftIn("home")), holding(t, upgradeIn("home", "p:2"))
	second.Name, third.Name = "second", "third"
	third.Status.Pending.ReleasedBy = "third-1"
	for i, gw := range []*v1beta1.IstioGateway{first, second, third} {
		meta.SetStatusCondition(&gw.Status.Conditions, metav1.Condition{
			Type: v1beta1.ConditionRestartPending, Status: metav1.ConditionTrue, Reason: "R", LastTransitionTime: *instant(-time.Duration(i) * time.Hour),
		})
	}
	server := apiWith(t, first, second, third)
	registry := registryWith(t, server, newCounts())
	expectEqual(t, "held", series(t, registry, "gateways_held"), map[string]float64{"UpgradeHeld": 1, "TemplateDrifted": 1, "NotAdmitted": 0, "RestoredOlder": 0})
	expectEqual(t, "since when, but for what is released", series(t, registry, "gateways_held_since_timestamp_seconds"), map[string]float64{"": float64(noon.Add(-time.Hour).Unix())})

	for _, list := range []string{"IstioGatewayList", "GatewayClusterList"} {
		server.refusing(errors.New("refused"), "list "+list)
		if _, err := registry.Gather(); err == nil {
			t.Errorf("without a %s: got no error, want one: a count that nobody could make is not zero", list)
		}
	}
}

func TestSinceWhenIsNotToldWhileNothingIsHeld(t *testing.T) {
	registry := registryWith(t, apiWith(t, gatewayOf(t, `{}`)), newCounts())
	expectEqual(t, "since when", series(t, registry, "gateways_held_since_timestamp_seconds"), map[string]float64{})
}

func TestGatewaysAreCountedByConditionAndState(t *testing.T) {
	registered := registeredAs("away", "home")
	meta.SetStatusCondition(&registered[1].Status.Conditions, metav1.Condition{Type: v1alpha1.ConditionReachable, Status: metav1.ConditionTrue, Reason: "R"})
	well, ill, young := gatewayOf(t, `{clusterIds: [home]}`, entryIn("home", v1beta1.ClusterReady)),
		gatewayOf(t, `{clusterIds: [away, home]}`, failedIn("away", "refused"), entryIn("home", v1beta1.ClusterReady)), gatewayOf(t, `{}`)
	ill.Name, young.Name = "ill", "young"
	summarize(well, registered)
	summarize(ill, registered)
	registry := registryWith(t, apiWith(t, well, ill, young, &registered[0], &registered[1]), newCounts())

	conditions := series(t, registry, "gateways")
	for labels, want := range map[string]float64{
		"Accepted True": 2, "Accepted False": 0, "Accepted Unknown": 1,
		"Reconciled True": 1, "Reconciled False": 1, "Reconciled Unknown": 1,
		"Ready True": 1, "Ready Unknown": 2,
	} {
		expectEqual(t, labels, conditions[labels], want)
	}
	expectEqual(t, "states", series(t, registry, "placements"), map[string]float64{"Ready": 2, "Failed": 1, "Pending": 0, "Applied": 0, "Deleting": 0})
	expectEqual(t, "clusters", series(t, registry, "cluster_up"), map[string]float64{"home": 1, "away": 0})
	expectEqual(t, "clusters that are connected", series(t, registry, "clusters_connected"), map[string]float64{"": 1})
}

func TestAppliesAndPassesAreCountedByResult(t *testing.T) {
	gw := pending(t, `{clusterIds: [away, home], ports: [{name: http, port: 80}]}`)
	gw.Status.Clusters = append(gw.Status.Clusters, v1beta1.ClusterStatus{ClusterID: "away"})
	b := benchWith(t, gw)
	b.counts = newCounts()
	registry := registryWith(t, b.server, b.counts)
	expectError(t, b.pass(t, home), "")
	expectEqual(t, "passes, once made", above(series(t, registry, "passes_total")), map[string]float64{"changed": 1})
	expectEqual(t, "applies, once made", above(series(t, registry, "applies_total")), map[string]float64{
		"ServiceAccount created": 1, "Role created": 1, "RoleBinding created": 1, "Service created": 1, "Deployment created": 1,
	})

	expectError(t, b.pass(t, home), "")
	b.server.refusing(errors.New("refused"), "apply Service istio-edge")
	rewritten(t, b.server, "Mozilla")
	expectError(t, b.pass(t, home), "applying Service istio-system/istio-edge: refused")
	b.server.refusing(conflict(), "apply Service istio-edge")
	_, err := b.Reconcile(t.Context(), home)
	expectError(t, err, "")
	expectError(t, b.pass(t, Target{Gateway: edge, Cluster: "away"}), "")
	expectEqual(t, "passes", series(t, registry, "passes_total"), map[string]float64{"changed": 1, "unchanged": 1, "failed": 1, "conflict": 1, "unreachable": 1})
	expectEqual(t, "applies of the Service", series(t, registry, "applies_total")["Service failed"], 2.0)
}

// rewritten is the Service of edge with another port, which somebody wrote under a name.
func rewritten(t *testing.T, server *api, writer string) {
	t.Helper()
	service := &corev1.Service{}
	if err := server.Get(t.Context(), client.ObjectKey{Namespace: edge.Namespace, Name: "istio-edge"}, service); err != nil {
		t.Fatal(err)
	}
	service.Spec.Ports[0].Port = 8080
	if err := server.Update(t.Context(), service, client.FieldOwner(writer)); err != nil {
		t.Fatal(err)
	}
}

func TestDriftIsCountedByWhoCausedItForAFewWriters(t *testing.T) {
	c := newCounts()
	registry := registryWith(t, apiWith(t), c)
	for i := range 1000 {
		c.applied(t.Context(), "Service", applied{drifted: fmt.Sprint("writer-", i)}, nil)
		c.applied(t.Context(), "Service", applied{drifted: "writer-0"}, nil)
	}
	c.applied(t.Context(), "Service", applied{}, nil)
	got := series(t, registry, "drift_corrected_total")
	expectEqual(t, "number of series", len(got), mostWriters+1)
	expectEqual(t, "the first", got["writer-0"], 1001.0)
	expectEqual(t, "those that came later", got["other"], float64(1000-mostWriters))
	expectEqual(t, "applies", above(series(t, registry, "applies_total")), map[string]float64{"Service changed": 2000, "Service unchanged": 1})
}

func TestAnApprovalIsCountedWhenItIsUsed(t *testing.T) {
	gw := holding(t, upgradeIn("home", "p:2"))
	gw.Status.Pending.ReleasedBy = "edge-1"
	server := apiWith(t, gw, approvalOf(gw))
	a := approvalsOn(server)
	a.counts = newCounts()
	for range 2 {
		expectError(t, a.record(t.Context(), gw), "")
	}
	expectEqual(t, "used", series(t, registryWith(t, server, a.counts), "approvals_used_total")[""], 1.0)
}

func TestAnApprovalIsCountedOnceWhenItExpiresUnused(t *testing.T) {
	gw := gatewayOf(t, `{}`)
	ends := func(a *v1alpha1.ChangeApproval) { a.Spec.NotAfter = instant(time.Hour) }
	uses := func(a *v1alpha1.ChangeApproval) { a.Status.UsedBy = &v1alpha1.ApprovalUse{At: *instant(0)} }
	for name, test := range map[string]struct {
		before, after *v1alpha1.ChangeApproval
		want          float64
	}{
		"unused":                      {approvalOf(gw, ends), approvalOf(gw, ends), 1},
		"used before":                 {approvalOf(gw, ends, uses), approvalOf(gw, ends, uses), 0},
		"used meanwhile":              {approvalOf(gw, ends), approvalOf(gw, ends, uses), 0},
		"expired before this process": {nil, approvalOf(gw, ends), 0},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCounts()
			if test.before != nil {
				c.looked(test.before, noon)
			}
			told := 0.0
			for range 2 {
				left, expired := c.looked(test.after, noon.Add(time.Hour))
				expectEqual(t, "comes back", left, time.Duration(0))
				if expired {
					told++
				}
			}
			expectEqual(t, "told", told, test.want)
			expectEqual(t, "expired", series(t, registryWith(t, apiWith(t), c), "approvals_expired_total")[""], test.want)
			expectEqual(t, "kept in mind", len(c.waiting), 0)
		})
	}
}

func TestHistoryComesBackWhenAnApprovalExpires(t *testing.T) {
	approval := approvalOf(gatewayOf(t, `{}`), func(a *v1alpha1.ChangeApproval) { a.Spec.NotAfter = instant(time.Hour) })
	worker := &history{client: apiWith(t, approval), retention: 48 * time.Hour, now: func() time.Time { return noon }, counts: newCounts()}
	result, err := worker.Reconcile(t.Context(), approval)
	expectError(t, err, "")
	expectEqual(t, "comes back", result.RequeueAfter, time.Hour)
}

func TestAnApprovalThatExpiresIsToldOnce(t *testing.T) {
	approval := approvalOf(gatewayOf(t, `{}`), func(a *v1alpha1.ChangeApproval) { a.Spec.NotAfter = instant(time.Hour) })
	now, told := noon, &recorded{}
	worker := &history{client: apiWith(t, approval), retention: 48 * time.Hour, now: func() time.Time { return now }, counts: newCounts(), events: events{told}}
	for _, at := range []time.Duration{0, time.Hour, 2 * time.Hour} {
		now = noon.Add(at)
		_, err := worker.Reconcile(t.Context(), approval)
		expectError(t, err, "")
	}
	expectEqual(t, "events", told.taken(), []string{"Normal ApprovalExpired Expire /: Expired unused"})
}

func TestApprovalsThatSomebodyDeletedAreForgotten(t *testing.T) {
	c := newCounts()
	for i := range 10 {
		approval := approvalOf(gatewayOf(t, `{}`))
		approval.UID = types.UID(fmt.Sprint(i))
		c.looked(approval, noon)
	}
	expired := approvalOf(gatewayOf(t, `{}`))
	c.looked(expired, noon.Add(100*time.Hour))
	expectEqual(t, "kept in mind", len(c.waiting), 0)
}
