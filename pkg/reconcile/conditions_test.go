package reconcile

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/api/v1alpha1"
	"portcullis.dev/portcullis/pkg/gateway"
)

// managing is a cluster that takes managed gateways.
func managing(id string) v1alpha1.GatewayCluster {
	cluster := registeredAs(id)[0]
	cluster.Spec.Managed = new(true)
	return cluster
}

// exposed is a gateway in a cluster with a type of Service and addresses.
func exposed(id string, kind corev1.ServiceType, addresses ...string) v1beta1.ClusterStatus {
	entry := entryIn(id, v1beta1.ClusterReady)
	entry.ServiceType, entry.Addresses = kind, addresses
	return entry
}

// at is an entry that speaks of another generation.
func at(generation int64, entry v1beta1.ClusterStatus) v1beta1.ClusterStatus {
	entry.ObservedGeneration = generation
	return entry
}

// speakingOf is a condition that speaks of a generation of its own.
func speakingOf(generation int64, condition metav1.Condition) metav1.Condition {
	condition.ObservedGeneration = generation
	return condition
}

func TestAccepted(t *testing.T) {
	managed := annotated(gatewayOf(t, `{clusterIds: [nowhere]}`), gateway.AnnotationManagedByASM, "true")
	for _, test := range []struct {
		name       string
		gw         *v1beta1.IstioGateway
		registered []v1alpha1.GatewayCluster
		want       metav1.Condition
	}{
		{
			name: "is true when the only cluster is registered",
			gw:   gatewayOf(t, `{clusterIds: [home]}`), registered: registeredAs("home"),
			want: condition("Accepted", "True", "ClustersRegistered", "Every cluster of the gateway is registered"),
		},
		{
			name: "is true when every cluster of several is registered, whatever else is",
			gw:   gatewayOf(t, `{clusterIds: [home, away]}`), registered: registeredAs("other", "away", "home"),
			want: condition("Accepted", "True", "ClustersRegistered", "Every cluster of the gateway is registered"),
		},
		{
			name: "names the cluster that is not registered",
			gw:   gatewayOf(t, `{clusterIds: [home, nowhere]}`), registered: registeredAs("home"),
			want: condition("Accepted", "False", "ClusterNotRegistered", "No GatewayCluster is named nowhere"),
		},
		{
			name: "names every one of them once, sorted",
			gw:   gatewayOf(t, `{clusterIds: [z, home, b, z, a]}`), registered: registeredAs("home"),
			want: condition("Accepted", "False", "ClusterNotRegistered", "No GatewayCluster is named a, b, z"),
		},
		{
			name: "says so when nothing is registered for managed gateways, whatever the gateway names",
			gw:   managed, registered: registeredAs("home"),
			want: condition("Accepted", "False", "NoManagedCluster",
				"No GatewayCluster says managed: true, so there is no cluster to place this managed gateway in"),
		},
		{
			name: "is true when a cluster takes managed gateways",
			gw:   managed, registered: []v1alpha1.GatewayCluster{managing("home")},
			want: condition("Accepted", "True", "ClustersRegistered", "Every cluster of the gateway is registered"),
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			expectEqual(t, "condition", accepted(test.gw, test.registered), test.want)
		})
	}
}

// conditionTest is one gateway, by the entries of its status, and what a condition says of it.
type conditionTest struct {
	name    string
	entries []v1beta1.ClusterStatus
	want    metav1.Condition
}

// holds runs the tests of one condition.
func holds(t *testing.T, of func(*v1beta1.IstioGateway) metav1.Condition, tests []conditionTest) {
	t.Helper()
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			gw := gatewayOf(t, `{}`, test.entries...)
			stored := gw.DeepCopy()
			expectEqual(t, "condition", of(gw), test.want)
			expectEqual(t, "the gateway, which a condition only reads", gw, stored)
		})
	}
}

func TestReconciled(t *testing.T) {
	holds(t, reconciled, []conditionTest{
		{
			name: "is false before there is any cluster",
			want: condition("Reconciled", "False", "InProgress", "Not yet applied in: no cluster yet"),
		},
		{
			name:    "is false while nothing is applied",
			entries: []v1beta1.ClusterStatus{{ClusterID: "home", State: v1beta1.ClusterPending}},
			want:    condition("Reconciled", "False", "InProgress", "Not yet applied in: home"),
		},
		{
			name:    "is false while an older generation is applied",
			entries: []v1beta1.ClusterStatus{at(2, entryIn("home", v1beta1.ClusterReady))},
			want:    condition("Reconciled", "False", "InProgress", "Not yet applied in: home"),
		},
		{
			name: "names each cluster that it waits for, in their order",
			entries: []v1beta1.ClusterStatus{
				entryIn("a", v1beta1.ClusterDeleting), entryIn("b", v1beta1.ClusterReady), entryIn("c", v1beta1.ClusterPending),
			},
			want: condition("Reconciled", "False", "InProgress", "Not yet applied in: a, c"),
		},
		{
			name:    "is true when everything is applied, pods or not",
			entries: []v1beta1.ClusterStatus{entryIn("a", v1beta1.ClusterReady), entryIn("b", v1beta1.ClusterApplied)},
			want:    condition("Reconciled", "True", "Applied", "Every object is applied in every cluster"),
		},
		{
			name: "says what stands in the way, cluster by cluster, before what is merely in progress",
			entries: []v1beta1.ClusterStatus{
				failedIn("a", "applying Service istio-system/istio-edge: refused"), entryIn("b", v1beta1.ClusterPending), failedIn("c", "gone"),
			},
			want: condition("Reconciled", "False", "ClusterFailed",
				"Cluster a: applying Service istio-system/istio-edge: refused; Cluster c: gone"),
		},
	})
}

func TestReconciledSpeaksOfRemovalOnceTheGatewayIsDeleted(t *testing.T) {
	gw := deleted(gatewayOf(t, `{}`, entryIn("a", v1beta1.ClusterDeleting), entryIn("b", v1beta1.ClusterDeleting)))
	expectEqual(t, "condition", reconciled(gw), condition("Reconciled", "False", "InProgress", "Not yet removed from: a, b"))
}

func TestConditionsFitWhatTheAPIServerTakes(t *testing.T) {
	var entries []v1beta1.ClusterStatus
	for i := range 256 {
		entries = append(entries, failedIn(fmt.Sprintf("c%d", i), strings.Repeat("é", 1000)))
	}
	message := reconciled(gatewayOf(t, `{}`, entries...)).Message
	if len(message) > 32768 || !utf8.ValidString(message) || !strings.HasSuffix(message, "…") {
		t.Errorf("got %d bytes that end in %q", len(message), message[len(message)-10:])
	}
	expectEqual(t, "a short text", shortened("short", 5), "short")
	expectEqual(t, "a text that is cut inside a character", shortened("aé", 2), "a…")
}

func TestReady(t *testing.T) {
	holds(t, ready, []conditionTest{
		{
			name: "is false before there is any cluster",
			want: condition("Ready", "False", "PodsMissing", "Pods are not all available in: no cluster yet"),
		},
		{
			name:    "is false where the gateway has never been whole, whatever pods were found there",
			entries: []v1beta1.ClusterStatus{entryIn("a", v1beta1.ClusterReady), at(0, entryIn("b", v1beta1.ClusterReady))},
			want:    condition("Ready", "False", "PodsMissing", "Pods are not all available in: b"),
		},
		{
			name: "names each cluster whose pods are not all available",
			entries: []v1beta1.ClusterStatus{
				entryIn("a", v1beta1.ClusterApplied), entryIn("b", v1beta1.ClusterReady), failedIn("c", "x"),
				entryIn("d", v1beta1.ClusterPending), entryIn("e", v1beta1.ClusterDeleting),
			},
			want: condition("Ready", "False", "PodsMissing", "Pods are not all available in: a, d, e"),
		},
		{
			name:    "is not known where something failed: the pods from before may well serve",
			entries: []v1beta1.ClusterStatus{entryIn("a", v1beta1.ClusterReady), failedIn("b", "x"), failedIn("c", "y")},
			want:    condition("Ready", "Unknown", "ClusterFailed", "Not known in: b, c"),
		},
		{
			name:    "is true when every cluster is ready",
			entries: []v1beta1.ClusterStatus{entryIn("a", v1beta1.ClusterReady), entryIn("b", v1beta1.ClusterReady)},
			want:    speakingOf(3, condition("Ready", "True", "PodsAvailable", "Every wanted pod is available in every cluster")),
		},
		{
			name:    "is true for the generation that every cluster has, so that nobody takes the old pods for an edit",
			entries: []v1beta1.ClusterStatus{entryIn("a", v1beta1.ClusterReady), at(2, entryIn("b", v1beta1.ClusterReady))},
			want:    speakingOf(2, condition("Ready", "True", "PodsAvailable", "Every wanted pod is available in every cluster")),
		},
	})
}

func TestAddressAssigned(t *testing.T) {
	holds(t, addressAssigned, []conditionTest{
		{
			name: "is false when there is no cluster",
			want: condition("AddressAssigned", "False", "NoLoadBalancer", "The gateway has no load balancer"),
		},
		{
			name:    "is false when no Service is a load balancer",
			entries: []v1beta1.ClusterStatus{exposed("a", "ClusterIP"), exposed("b", "NodePort")},
			want:    condition("AddressAssigned", "False", "NoLoadBalancer", "The gateway has no load balancer"),
		},
		{
			name: "names each load balancer without an address, and only load balancers",
			entries: []v1beta1.ClusterStatus{
				exposed("a", "LoadBalancer"), exposed("b", "LoadBalancer", "203.0.113.1"), exposed("c", "ClusterIP"), exposed("d", "LoadBalancer"),
			},
			want: condition("AddressAssigned", "False", "NotAssigned", "The load balancer has no address in: a, d"),
		},
		{
			name:    "is true when every load balancer has an address",
			entries: []v1beta1.ClusterStatus{exposed("a", "LoadBalancer", "203.0.113.1"), exposed("b", "ClusterIP")},
			want:    condition("AddressAssigned", "True", "Assigned", "Every load balancer has an address"),
		},
	})
}

func TestDeletionBlocked(t *testing.T) {
	for _, test := range []struct {
		name string
		gw   *v1beta1.IstioGateway
		want metav1.Condition
	}{
		{
			name: "is false while nobody deletes the gateway, failed or not",
			gw:   gatewayOf(t, `{}`, failedIn("a", "gone")),
			want: condition("DeletionBlocked", "False", "NotDeleted", "Nobody deleted the gateway"),
		},
		{
			name: "is false while the gateway is on its way out",
			gw:   deleted(gatewayOf(t, `{}`, entryIn("a", v1beta1.ClusterDeleting))),
			want: condition("DeletionBlocked", "False", "InProgress", "The gateway is being removed from its clusters"),
		},
		{
			name: "says what stands in the way, cluster by cluster",
			gw:   deleted(gatewayOf(t, `{}`, failedIn("a", "gone"), entryIn("b", v1beta1.ClusterDeleting), failedIn("c", "refused"))),
			want: condition("DeletionBlocked", "True", "ClusterFailed", "Cluster a: gone; Cluster c: refused"),
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			expectEqual(t, "condition", deletionBlocked(test.gw), test.want)
		})
	}
}
