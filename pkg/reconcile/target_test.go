package reconcile

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/gateway"
)

func TestTargetNamesGatewayAndCluster(t *testing.T) {
	expectEqual(t, "text", home.String(), "istio-system/edge@home")
}

func TestTargetsOfGateway(t *testing.T) {
	for _, test := range []struct {
		name   string
		object client.Object
		want   []Target
	}{
		{name: "are none before the status names a cluster", object: gatewayOf(t, `{clusterIds: [home]}`), want: []Target{}},
		{
			name:   "are what the status names, whatever the spec does",
			object: gatewayOf(t, `{clusterIds: [new]}`, entryIn("away", v1beta1.ClusterDeleting), entryIn("home", v1beta1.ClusterReady)),
			want:   []Target{{edge, "away"}, {edge, "home"}},
		},
		{name: "are none of another kind", object: &corev1.Service{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			expectEqual(t, "targets", targetsOfGateway(t.Context(), test.object), test.want)
		})
	}
}

func TestTargetsOfObject(t *testing.T) {
	for _, test := range []struct {
		name   string
		labels map[string]string
		want   []Target
	}{
		{
			name:   "is the gateway and cluster of its labels",
			labels: map[string]string{"portcullis.dev/gateway": "edge", "portcullis.dev/cluster": "home"},
			want:   []Target{home},
		},
		{name: "is none without labels"},
		{name: "is none without a gateway", labels: map[string]string{"portcullis.dev/cluster": "home"}},
		{name: "is none without a cluster", labels: map[string]string{"portcullis.dev/gateway": "edge"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			object := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: "istio-system", Name: "istio-edge", Labels: test.labels}}
			expectEqual(t, "targets", targetsOfObject(t.Context(), object), test.want)
		})
	}
}

func TestWanted(t *testing.T) {
	for _, test := range []struct {
		name string
		gw   *v1beta1.IstioGateway
		want []string
	}{
		{name: "are the named clusters, registered or not", gw: gatewayOf(t, `{clusterIds: [nowhere, home]}`), want: []string{"home", "nowhere"}},
		{name: "are none once the gateway is deleted", gw: deleted(gatewayOf(t, `{clusterIds: [home]}`))},
		{name: "is none for a managed gateway without a cluster for it", gw: annotated(gatewayOf(t, `{clusterIds: [home]}`), gateway.AnnotationManagedByASM, "true")},
	} {
		t.Run(test.name, func(t *testing.T) {
			expectEqual(t, "clusters", wanted(test.gw, registeredAs("home")), test.want)
		})
	}
}
