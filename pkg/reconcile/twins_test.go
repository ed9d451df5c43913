package reconcile

import (
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	connected "portcullis.dev/portcullis/pkg/cluster"
	"portcullis.dev/portcullis/pkg/render"
)

// asHome is the answer that cluster away is the one that is registered as home.
var asHome = &connected.NotConnectedError{ID: "away", Since: noon, Cause: &connected.TwinError{ID: "away", As: "home", Identity: "one"}}

// away is the target of the gateway edge under the second ID.
var away = Target{Gateway: edge, Cluster: "away"}

func TestAClusterIsNotWrittenToUnderASecondID(t *testing.T) {
	entry := entryIn("away", v1beta1.ClusterPending)
	b := benchWith(t, gatewayOf(t, `{clusterIds: [home, away]}`, entry), everythingOf("edge")...)
	b.clusters.remote = unanswered{asHome}
	expectError(t, b.pass(t, away), "")
	expectEqual(t, "calls", b.server.calls, []string(nil))
	told := b.reported(t, away).entry
	expectEqual(t, "state", told.State, v1beta1.ClusterFailed)
	if !strings.HasPrefix(told.Message, "cluster away is registered as home already") {
		t.Errorf("got %q, want it to say as what the cluster is registered, first", told.Message)
	}
}

func TestTheClusterThatWeRunInIsNotWrittenToUnderASecondID(t *testing.T) {
	registered := registeredAs("away", "home")
	registered[0].Status.Identity = "one"
	registered[1].CreationTimestamp = metav1.Now()
	fleet := &clusters{local: &cluster{}, home: "one"}
	if _, err := fleet.of(&registered[1], registered); err == nil || !strings.HasPrefix(err.Error(), "cluster home is registered as away already") {
		t.Errorf("got %v, want that home is registered as away", err)
	}
	fleet.home = "two"
	if to, err := fleet.of(&registered[1], registered); err != nil || to != fleet.local {
		t.Errorf("got %v, want the cluster that we run in: away is another one", err)
	}
}

func TestWhatWasLeftUnderASecondIDGoesByTheFirst(t *testing.T) {
	held := entryIn("away", v1beta1.ClusterReady)
	held.Objects = inventoryOf("Service", "Deployment")
	taken, behind := entryIn("home", v1beta1.ClusterReady), entryIn("home", v1beta1.ClusterReady)
	behind.ObservedGeneration--
	for name, test := range map[string]struct {
		gw   *v1beta1.IstioGateway
		goes bool
	}{
		"when the gateway is deleted":                     {deleted(gatewayOf(t, `{clusterIds: [away]}`, held)), true},
		"when the gateway is neither here nor there":      {gatewayOf(t, `{clusterIds: [elsewhere]}`, held), true},
		"when the gateway is applied by the first":        {gatewayOf(t, `{clusterIds: [home]}`, taken, held), true},
		"but not while the first has not taken it over":   {gatewayOf(t, `{clusterIds: [home]}`, behind, held), false},
		"but not while the first has not begun":           {gatewayOf(t, `{clusterIds: [home]}`, held), false},
		"but not while the gateway names it all the same": {gatewayOf(t, `{clusterIds: [home, away]}`, taken, held), false},
	} {
		t.Run(name, func(t *testing.T) {
			left := everythingOf("edge")
			for _, object := range left {
				object.GetLabels()[render.LabelCluster] = "away"
			}
			b := benchWith(t, test.gw, left...)
			b.clusters.remote = unanswered{asHome}
			_, err := b.Reconcile(t.Context(), away)
			expectError(t, err, "")
			expectEqual(t, "deletes", len(b.server.calls) > 0, test.goes)
			if !test.goes {
				expectEqual(t, "inventory", b.reported(t, away).entry.Objects, held.Objects)
			}
		})
	}
}

func TestWhatIsToGoUnderASecondIDIsLookedAtAgainSoon(t *testing.T) {
	held := entryIn("away", v1beta1.ClusterReady)
	held.Objects = inventoryOf("Service")
	b := benchWith(t, gatewayOf(t, `{clusterIds: [home]}`, held))
	b.clusters.remote = unanswered{asHome}
	result, err := b.Reconcile(t.Context(), away)
	expectError(t, err, "")
	expectEqual(t, "again", result.RequeueAfter, lookSoon)
}

func TestTheFenceIsLeftToTheFirstRegistration(t *testing.T) {
	registered := registeredAs("away", home.Cluster)
	registered[0].Status.Identity, registered[1].Status.Identity = "one", "one"
	registered[1].CreationTimestamp = metav1.Now()
	server := apiWith(t, &registered[0], &registered[1])
	server.mute = true
	told := &recorded{}
	worker := &fences{hub: server, clusters: &clusters{local: newCluster(knowingUs(server), server), home: "one"}, events: events{told}}
	_, err := worker.Reconcile(t.Context(), here)
	expectError(t, err, "")
	expectEqual(t, "here", fencedAs(t, server, home.Cluster), "Unknown AlreadyRegistered The cluster is registered as away already, which says whether it is fenced")
	expectEqual(t, "applied", server.applied, []request(nil))
	expectEqual(t, "told", told.lines, []string(nil))

	if err := server.Delete(t.Context(), &registered[0]); err != nil {
		t.Fatal(err)
	}
	_, err = worker.Reconcile(t.Context(), here)
	expectError(t, err, "")
	expectEqual(t, "applied when the first one is gone", len(server.applied), 2)
}
