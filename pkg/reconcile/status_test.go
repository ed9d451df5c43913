package reconcile

import (
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
)

// summarized is the status of a gateway in home and away.
func summarized(t *testing.T, entries ...v1beta1.ClusterStatus) *v1beta1.IstioGateway {
	t.Helper()
	gw := gatewayOf(t, `{clusterIds: [home, away]}`, entries...)
	summarize(gw, registeredAs("home", "away"))
	return gw
}

func TestSummarizeSortsEntriesAndAddresses(t *testing.T) {
	gw := summarized(t,
		exposed("home", "LoadBalancer", "198.51.100.1", "203.0.113.9"),
		exposed("away", "LoadBalancer", "203.0.113.1"),
	)

	expectEqual(t, "GatewayAddress", gw.Status.GatewayAddress, []string{"198.51.100.1", "203.0.113.1", "203.0.113.9"})
	expectEqual(t, "ClusterIdGatewayAddressMap", gw.Status.ClusterIDGatewayAddressMap, []v1beta1.ClusterGatewayAddress{
		{ClusterID: "away", IPAddress: "203.0.113.1"},
		{ClusterID: "home", IPAddress: "198.51.100.1"},
		{ClusterID: "home", IPAddress: "203.0.113.9"},
	})
	expectEqual(t, "first entry", gw.Status.Clusters[0].ClusterID, "away")
	expectEqual(t, "observedGeneration", gw.Status.ObservedGeneration, int64(3))
}

func TestSummarizeWritesEveryConditionForThisGeneration(t *testing.T) {
	gw := summarized(t, entryIn("home", v1beta1.ClusterReady), entryIn("away", v1beta1.ClusterReady))

	for _, name := range []string{"Accepted", "Reconciled", "Ready", "AddressAssigned", "RestartPending", "Paused", "Conflict", "DeletionBlocked"} {
		found := meta.FindStatusCondition(gw.Status.Conditions, name)
		if found == nil {
			t.Errorf("condition %s is not there", name)
			continue
		}
		expectEqual(t, name+"'s observedGeneration", found.ObservedGeneration, int64(3))
		if found.LastTransitionTime.IsZero() {
			t.Errorf("condition %s says nothing of when", name)
		}
	}
	expectEqual(t, "number of conditions", len(gw.Status.Conditions), 8)
}

func TestReadySpeaksOfAnEditOnceEveryClusterHasIt(t *testing.T) {
	gw := summarized(t, entryIn("home", v1beta1.ClusterReady), entryIn("away", v1beta1.ClusterReady))
	gw.Generation = 4
	for i, want := range []int64{3, 3, 4} {
		summarize(gw, registeredAs("home", "away"))
		found := meta.FindStatusCondition(gw.Status.Conditions, v1beta1.ConditionReady)
		expectEqual(t, "Ready", found.Status, metav1.ConditionTrue)
		expectEqual(t, "Ready's observedGeneration", found.ObservedGeneration, want)
		expectEqual(t, "observedGeneration", gw.Status.ObservedGeneration, want)
		if i < len(gw.Status.Clusters) {
			gw.Status.Clusters[i].ObservedGeneration = 4
		}
	}
}

func TestSummarizeForgetsAddressesThatAreGone(t *testing.T) {
	gw := summarized(t, exposed("home", "LoadBalancer", "203.0.113.1"), entryIn("away", v1beta1.ClusterReady))
	gw.Status.Clusters[1].Addresses = nil
	summarize(gw, registeredAs("home", "away"))

	expectEqual(t, "GatewayAddress", gw.Status.GatewayAddress, []string(nil))
	expectEqual(t, "ClusterIdGatewayAddressMap", gw.Status.ClusterIDGatewayAddressMap, []v1beta1.ClusterGatewayAddress(nil))
}

func TestSummarizeTwiceChangesNothing(t *testing.T) {
	for name, entries := range map[string][]v1beta1.ClusterStatus{
		"without clusters":            nil,
		"in progress":                 {entryIn("home", v1beta1.ClusterPending), entryIn("away", v1beta1.ClusterDeleting)},
		"with failures":               {failedIn("home", "x"), failedIn("away", "y")},
		"ready, in another order":     {exposed("home", "LoadBalancer", "b", "a"), exposed("away", "LoadBalancer", "c")},
		"with an address in one only": {exposed("home", "LoadBalancer"), exposed("away", "LoadBalancer", "c")},
	} {
		t.Run(name, func(t *testing.T) {
			gw := summarized(t, entries...)
			once := gw.DeepCopy()
			summarize(gw, registeredAs("away", "home"))
			expectEqual(t, "status", gw.Status, once.Status)
		})
	}
}

func TestSummarizeKeepsWhenAConditionTurned(t *testing.T) {
	gw := summarized(t, entryIn("home", v1beta1.ClusterReady), entryIn("away", v1beta1.ClusterApplied))
	turned := metav1.Time{Time: time.Unix(1_600_000_000, 0)}
	for i := range gw.Status.Conditions {
		gw.Status.Conditions[i].LastTransitionTime = turned
	}
	gw.Generation, gw.Status.Clusters[0].ObservedGeneration, gw.Status.Clusters[1].ObservedGeneration = 4, 4, 4
	gw.Status.Clusters[0].State = v1beta1.ClusterReady // away, since they are sorted
	summarize(gw, registeredAs("home", "away"))

	for _, condition := range gw.Status.Conditions {
		expectEqual(t, condition.Type+"'s observedGeneration", condition.ObservedGeneration, int64(4))
		if kept := condition.LastTransitionTime.Equal(&turned); kept == (condition.Type == v1beta1.ConditionReady) {
			t.Errorf("condition %s keeps its time: %t; only Ready turned", condition.Type, kept)
		}
	}
}

func TestLegacyStatus(t *testing.T) {
	drifted := entryIn("home", v1beta1.ClusterReady)
	drifted.Held = &v1beta1.HeldRestart{Reason: v1beta1.TemplateDrifted}
	for _, test := range []struct {
		name          string
		gw            *v1beta1.IstioGateway
		registered    []string
		word, message string
	}{
		{
			name: "is Running when ready everywhere",
			gw:   gatewayOf(t, `{clusterIds: [home]}`, entryIn("home", v1beta1.ClusterReady)), registered: []string{"home"},
			word: "Running",
		},
		{
			name: "is Pending while pods are missing",
			gw:   gatewayOf(t, `{clusterIds: [home]}`, entryIn("home", v1beta1.ClusterApplied)), registered: []string{"home"},
			word: "Pending",
		},
		{
			name: "is Pending before there is any entry",
			gw:   gatewayOf(t, `{clusterIds: [home]}`), registered: []string{"home"},
			word: "Pending",
		},
		{
			name: "is Failed with the cluster that is not registered, before what follows from it",
			gw:   gatewayOf(t, `{clusterIds: [nowhere]}`, failedIn("nowhere", "x")), registered: []string{"home"},
			word: "Failed", message: "No GatewayCluster is named nowhere",
		},
		{
			name: "is Failed with what stands in the way",
			gw:   gatewayOf(t, `{clusterIds: [home]}`, failedIn("home", "refused")), registered: []string{"home"},
			word: "Failed", message: "Cluster home: refused",
		},
		{
			name: "is Running with what is held: the pods serve",
			gw:   gatewayOf(t, `{clusterIds: [home]}`, drifted), registered: []string{"home"},
			word: "Running", message: "A restart is held in: home",
		},
		{
			name: "is Terminating once deleted, whatever else is",
			gw:   deleted(gatewayOf(t, `{clusterIds: [nowhere]}`, entryIn("nowhere", v1beta1.ClusterDeleting))),
			word: "Terminating",
		},
		{
			name: "is Terminating with what keeps it from going",
			gw:   deleted(gatewayOf(t, `{clusterIds: [home]}`, failedIn("home", "deleting Service istio-system/istio-edge: refused"))), registered: []string{"home"},
			word: "Terminating", message: "Cluster home: deleting Service istio-system/istio-edge: refused",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			summarize(test.gw, registeredAs(test.registered...))
			expectEqual(t, "Status", test.gw.Status.Status, test.word)
			expectEqual(t, "ErrorMessage", test.gw.Status.ErrorMessage, test.message)
		})
	}
}

func TestLegacyStatusRecovers(t *testing.T) {
	gw := gatewayOf(t, `{clusterIds: [home]}`, failedIn("home", "refused"))
	summarize(gw, registeredAs("home"))
	gw.Status.Clusters[0] = entryIn("home", v1beta1.ClusterReady)
	summarize(gw, registeredAs("home"))

	expectEqual(t, "Status", gw.Status.Status, "Running")
	expectEqual(t, "ErrorMessage", gw.Status.ErrorMessage, "")
}
