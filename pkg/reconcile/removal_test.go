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
			expectEqual(t, "events while something is left", b.events(), []string(nil))
			expectError(t, b.pass(t, home), "")
			expectEqual(t, "gone", b.reported(t, home).gone, true)
			expectEqual(t, "events", b.events(), []string{"Normal Removed Remove GatewayCluster/home: Removed the gateway from cluster home"})
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
