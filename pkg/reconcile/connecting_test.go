package reconcile

import (
	"errors"
	"testing"
	"time"

	crcluster "sigs.k8s.io/controller-runtime/pkg/cluster"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	connected "portcullis.dev/portcullis/pkg/cluster"
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
	unregistered := &connected.NotConnectedError{ID: "away", Cause: errors.New("no kubeconfig is registered for it")}
	for _, test := range []struct {
		name  string
		entry v1beta1.ClusterStatus
		why   error
		state v1beta1.ClusterState
		again time.Duration
	}{
		{"and is looked at again soon", applied, connecting, v1beta1.ClusterReady, lookSoon},
		{"but not where nothing is known", entryIn("away", v1beta1.ClusterPending), connecting, v1beta1.ClusterFailed, 0},
		{"but not when it is lost", applied, lost, v1beta1.ClusterFailed, 0},
		{"but not when nobody registered it", applied, unregistered, v1beta1.ClusterFailed, 0},
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
