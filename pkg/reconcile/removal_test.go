package reconcile

import (
	"errors"
	"testing"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
)

func TestRemovingAGateway(t *testing.T) {
	moved := gatewayOf(t, `{clusterIds: [away]}`, entryIn("home", v1beta1.ClusterReady))
	for name, gw := range map[string]*v1beta1.IstioGateway{
		"that is deleted":                 deleted(pending(t, simple)),
		"from a cluster it does not name": moved,
	} {
		t.Run(name, func(t *testing.T) {
			b := benchWith(t, gw, append(everythingOf("edge"), everythingOf("other")...)...)
			for range 2 {
				expectError(t, b.pass(t, home), "")
				expectEqual(t, "gone while something is left", b.reported(t, home).gone, false)
				expectEqual(t, "state", b.reported(t, home).entry.State, v1beta1.ClusterDeleting)
			}
			expectError(t, b.pass(t, home), "")
			expectEqual(t, "gone", b.reported(t, home).gone, true)
			expectEqual(t, "events before the status tells", b.events(), []string(nil))
			expectEqual(t, "number of deletions, of which none is of the other gateway", len(b.server.calls), 7)
		})
	}
}

func TestRemovingAGatewaySaysWhatStandsInTheWay(t *testing.T) {
	b := benchWith(t, deleted(pending(t, simple)), everythingOf("edge")...)
	b.server.refusing(errors.New("refused"), "delete Deployment istio-edge")

	expectError(t, b.pass(t, home), "deleting Deployment istio-system/istio-edge: refused")
	expectEqual(t, "gone", b.reported(t, home).gone, false)
	expectEqual(t, "state", b.reported(t, home).entry.State, v1beta1.ClusterFailed)
	expectEqual(t, "message", b.reported(t, home).entry.Message, "deleting Deployment istio-system/istio-edge: refused")
	expectEqual(t, "the Service that stays", storedService(t, b.server).Name, "istio-edge")
}

func TestClustersThatWeCannotWriteTo(t *testing.T) {
	const notConnected = "cluster away is not connected"
	const notRegistered = "the cluster is not registered: no GatewayCluster has this name"
	for _, test := range []struct {
		name    string
		cluster string
		// holds says whether something of the gateway is there, deleted whether the gateway is.
		holds, deleted bool
		message        string
		gone           bool
	}{
		{name: "say that they are not connected", cluster: "away", message: notConnected},
		{name: "say that they are not registered", cluster: "nowhere", message: notRegistered},
		{name: "keep a deleted gateway that left something there", cluster: "away", holds: true, deleted: true, message: notConnected},
		{name: "keep a deleted gateway that left something where nobody is registered", cluster: "nowhere", holds: true, deleted: true, message: notRegistered},
		{name: "let a deleted gateway go that never was there", cluster: "away", deleted: true, gone: true},
		{name: "let a deleted gateway go that was nowhere", cluster: "nowhere", deleted: true, gone: true},
	} {
		t.Run(test.name, func(t *testing.T) {
			target := Target{edge, test.cluster}
			entry := v1beta1.ClusterStatus{ClusterID: test.cluster, State: v1beta1.ClusterPending}
			if test.holds {
				entry.Objects = inventoryOf("Service")
			}
			gw := gatewayOf(t, `{clusterIds: [`+test.cluster+`]}`, entry)
			if test.deleted {
				gw = deleted(gw)
			}
			b := benchWith(t, gw)
			expectError(t, b.pass(t, target), "")
			expectEqual(t, "requests", b.server.calls, []string(nil))
			expectEqual(t, "gone", b.reported(t, target).gone, test.gone)
			expectEqual(t, "message", b.reported(t, target).entry.Message, test.message)
			expectEqual(t, "objects", b.reported(t, target).entry.Objects, entry.Objects)
			expectEqual(t, "is failed", b.reported(t, target).entry.State == v1beta1.ClusterFailed, !test.gone)
		})
	}
}

func TestThatAGatewayLeftAClusterIsToldOnceItIsWrittenDown(t *testing.T) {
	exported := v1beta1.MetricsExport{ClusterID: "home", State: v1beta1.ClusterApplied, Objects: inventoryOf("Service")}
	gw := deleted(pending(t, simple))
	gw.Status.Exports = []v1beta1.MetricsExport{exported}
	b := benchWith(t, gw)
	exports := &exports{hub: b.server, clusters: b.clusters, outcomes: b.outcomes, events: b.placements.events}
	worker := &gateways{client: b.server, outcomes: b.outcomes, approvals: approvalsOn(b.server)}
	expectError(t, b.pass(t, home), "")
	_, err := exports.Reconcile(t.Context(), home)
	expectError(t, err, "")

	b.server.refusing(errors.New("killed"), writesStatus)
	expectError(t, pass(t, worker, b.server), "writing the status of IstioGateway istio-system/edge: killed")
	expectEqual(t, "events before the status is written", b.events(), []string(nil))
	b.server.refusing(nil)
	gw = storedGateway(t, b.server)
	expectError(t, pass(t, worker, b.server), "")
	expectEqual(t, "events", b.events(), []string{
		"Normal Removed Remove GatewayCluster/home: Removed the gateway from cluster home",
		"Normal MetricsWithdrawn Withdraw GatewayCluster/home: Withdrew the metrics from cluster home",
	})
	// A cache that lags shows the gateway as it was, and its writing is refused.
	_, err = worker.Reconcile(t.Context(), gw)
	expectError(t, err, "")
	expectEqual(t, "events", b.events(), []string(nil))
}
