package reconcile

import (
	"errors"
	"testing"
	"time"

	crcluster "sigs.k8s.io/controller-runtime/pkg/cluster"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	connected "portcullis.dev/portcullis/pkg/cluster"
	"portcullis.dev/portcullis/pkg/gateway"
)

// unanswered are clusters of which none can be had, for one reason.
type unanswered struct {
	why error
}

// Get says why.
func (u unanswered) Get(string) (crcluster.Cluster, error) {
	return nil, u.why
}

func TestWhatIsKnownOfAClusterStandsWhileItIsBeingConnected(t *testing.T) {
	applied := entryIn("away", v1beta1.ClusterReady)
	applied.Objects = []v1beta1.ObjectReference{serviceOfEdge}
	connecting := &connected.NotConnectedError{ID: "away", Since: noon}
	lost := &connected.NotConnectedError{ID: "away", Since: noon, Cause: errors.New("refused")}
	unseen := &connected.NotConnectedError{ID: "away", Cause: connected.ErrNotRegistered}
	refused := &connected.NotConnectedError{ID: "away", Cause: errors.New("the kubeconfig is none")}
	for _, test := range []struct {
		name  string
		entry v1beta1.ClusterStatus
		why   error
		state v1beta1.ClusterState
		again time.Duration
	}{
		{"and is looked at again soon", applied, connecting, v1beta1.ClusterReady, lookSoon},
		// It is connected a moment later, of which no event tells when it was connected before we started.
		{"where nothing is known too", entryIn("away", v1beta1.ClusterPending), connecting, v1beta1.ClusterPending, lookSoon},
		{"but not when it is lost", applied, lost, v1beta1.ClusterFailed, 0},
		{"and before that begins", applied, unseen, v1beta1.ClusterReady, lookSoon},
		{"but not when nobody can connect to it", applied, refused, v1beta1.ClusterFailed, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			gw := gatewayOf(t, `{clusterIds: [away]}`, test.entry)
			server := apiWith(t, gw, &registeredAs("away")[0])
			worker := &placements{hub: server, clusters: &clusters{local: newCluster(server, server), remote: unanswered{test.why}}, outcomes: outcomesHeld(), events: events{&recorded{}}}
			target := Target{Gateway: edge, Cluster: "away"}
			result, err := worker.Reconcile(t.Context(), target)
			expectError(t, err, "")
			expectEqual(t, "result", result, reconcile.Result{RequeueAfter: test.again})
			expectEqual(t, "state", worker.outcomes.placed.of(edge)["away"].entry.State, test.state)
		})
	}
}

func TestADeletedGatewayWaitsForAClusterThatIsBeingConnected(t *testing.T) {
	for _, test := range []struct {
		name  string
		cause error
		gone  bool
	}{
		// Whoever applied something there may have been killed before the status told.
		{name: "as something may be there that the status does not name", gone: false},
		{name: "but not for one that is lost", cause: errors.New("refused"), gone: true},
	} {
		t.Run(test.name, func(t *testing.T) {
			gw := deleted(gatewayOf(t, `{clusterIds: [away]}`, entryIn("away", v1beta1.ClusterPending)))
			server := apiWith(t, gw, &registeredAs("away")[0])
			why := &connected.NotConnectedError{ID: "away", Since: noon, Cause: test.cause}
			worker := &placements{hub: server, clusters: &clusters{local: newCluster(server, server), remote: unanswered{why}}, outcomes: outcomesHeld(), events: events{&recorded{}}}
			_, err := worker.Reconcile(t.Context(), Target{Gateway: edge, Cluster: "away"})
			expectError(t, err, "")
			expectEqual(t, "gone", worker.outcomes.placed.of(edge)["away"].gone, test.gone)
		})
	}
}

func TestWhatIsKnownOfAnExportStandsWhileAClusterIsBeingConnected(t *testing.T) {
	connecting := &connected.NotConnectedError{ID: "away", Since: noon}
	lost := &connected.NotConnectedError{ID: "away", Since: noon, Cause: errors.New("refused")}
	exported := v1beta1.MetricsExport{State: v1beta1.ClusterApplied, Objects: []v1beta1.ObjectReference{serviceOfEdge}, Endpoints: 2}
	for _, test := range []struct {
		name string
		// to is where the metrics go, and asked where the gateway says now.
		to, asked string
		why       error
		state     v1beta1.ClusterState
		again     time.Duration
	}{
		{"that its metrics go to", "away", "away", connecting, v1beta1.ClusterApplied, lookSoon},
		{"that its pods are in", "home", "home", connecting, v1beta1.ClusterApplied, lookSoon},
		{"that its metrics went to", "away", "", connecting, v1beta1.ClusterApplied, lookSoon},
		{"but not when it is lost", "away", "away", lost, v1beta1.ClusterFailed, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			entry := exported
			entry.ClusterID = test.to
			gw := annotated(gatewayOf(t, `{clusterIds: [away]}`, entryIn("away", v1beta1.ClusterReady)), gateway.AnnotationExportMetrics, test.asked)
			gw.Status.Exports = []v1beta1.MetricsExport{entry}
			registered := registeredAs("away", "home")
			server := apiWith(t, gw, &registered[0], &registered[1])
			worker := &exports{hub: server, clusters: &clusters{local: newCluster(server, server), remote: unanswered{test.why}}, outcomes: outcomesHeld(), events: events{&recorded{}}}
			result, err := worker.Reconcile(t.Context(), Target{Gateway: edge, Cluster: test.to})
			expectError(t, err, "")
			expectEqual(t, "result", result, reconcile.Result{RequeueAfter: test.again})
			reported := worker.outcomes.exported.of(edge)[test.to]
			expectEqual(t, "state", reported.entry.State, test.state)
			expectEqual(t, "is given up", reported.gone, false)
			expectEqual(t, "requests", server.calls, []string(nil))
		})
	}
}
