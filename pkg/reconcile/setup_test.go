package reconcile

import (
	"errors"
	"testing"

	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/fence"
	"portcullis.dev/portcullis/pkg/gateway"
)

func TestGatewayChanged(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(*v1beta1.IstioGateway)
		want   bool
	}{
		{name: "sleeps when nothing changes", change: func(*v1beta1.IstioGateway) {}},
		{name: "sleeps when we write conditions", change: func(gw *v1beta1.IstioGateway) { summarize(gw, nil) }},
		{name: "sleeps when we write what became of a cluster", change: func(gw *v1beta1.IstioGateway) {
			gw.Status.Clusters[0].State, gw.Status.Clusters[0].Message = v1beta1.ClusterFailed, "refused"
			gw.Status.Clusters[0].Objects = []v1beta1.ObjectReference{{APIVersion: "v1", Kind: "Service", Name: "istio-edge"}}
		}},
		{name: "sleeps when entries change places", change: func(gw *v1beta1.IstioGateway) {
			gw.Status.Clusters[0], gw.Status.Clusters[1] = gw.Status.Clusters[1], gw.Status.Clusters[0]
		}},
		{name: "sleeps when a label changes", change: func(gw *v1beta1.IstioGateway) { gw.Labels = map[string]string{"team": "web"} }},
		{name: "wakes when the spec changes", want: true, change: func(gw *v1beta1.IstioGateway) { gw.Generation++ }},
		{name: "wakes when an annotation changes", want: true, change: func(gw *v1beta1.IstioGateway) {
			gw.Annotations = map[string]string{gateway.AnnotationDrainTimeout: "30"}
		}},
		{name: "wakes when a finalizer arrives", want: true, change: func(gw *v1beta1.IstioGateway) {
			gw.Finalizers = append(gw.Finalizers, "example.com/keep")
		}},
		{name: "wakes when our finalizer goes", want: true, change: func(gw *v1beta1.IstioGateway) { gw.Finalizers = nil }},
		{name: "wakes when the gateway is deleted", want: true, change: func(gw *v1beta1.IstioGateway) { *gw = *deleted(gw) }},
		{name: "wakes when the status names a new cluster", want: true, change: func(gw *v1beta1.IstioGateway) {
			gw.Status.Clusters = append(gw.Status.Clusters, entryIn("new", v1beta1.ClusterPending))
		}},
		{name: "wakes when the status no longer names a cluster", want: true, change: func(gw *v1beta1.IstioGateway) {
			gw.Status.Clusters = gw.Status.Clusters[:1]
		}},
		{name: "wakes when one cluster takes another's place", want: true, change: func(gw *v1beta1.IstioGateway) {
			gw.Status.Clusters[1].ClusterID = "new"
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			before := gatewayOf(t, `{clusterIds: [home]}`, entryIn("away", v1beta1.ClusterReady), entryIn("home", v1beta1.ClusterReady))
			after := before.DeepCopy()
			test.change(after)
			if got := gatewayChanged().Update(event.UpdateEvent{ObjectOld: before, ObjectNew: after}); got != test.want {
				t.Errorf("wakes the targets: %t, want %t", got, test.want)
			}
		})
	}
}

func TestGatewayChangedWakesWhenAGatewayComesOrGoes(t *testing.T) {
	gw := gatewayOf(t, `{}`)
	if !gatewayChanged().Create(event.CreateEvent{Object: gw}) {
		t.Error("a gateway that comes, as each does when the controller starts, wakes nobody")
	}
	if !gatewayChanged().Delete(event.DeleteEvent{Object: gw}) {
		t.Error("a gateway that goes wakes nobody")
	}
}

func TestClustersWakeEveryGatewayAndEveryTarget(t *testing.T) {
	second := gatewayOf(t, `{}`, entryIn("home", v1beta1.ClusterReady))
	second.Name = "other"
	server := apiWith(t, gatewayOf(t, `{}`, entryIn("away", v1beta1.ClusterReady), entryIn("home", v1beta1.ClusterReady)), second)

	expectEqual(t, "targets", targetsOfAll(t.Context(), server), []Target{{edge, "away"}, {edge, "home"}, {other, "home"}})
	expectEqual(t, "gateways", everyGateway(server)(t.Context(), nil), []reconcile.Request{{NamespacedName: edge}, {NamespacedName: other}})
}

func TestClustersWakeNobodyWhenGatewaysCannotBeListed(t *testing.T) {
	server := apiWith(t, gatewayOf(t, `{}`, entryIn("home", v1beta1.ClusterReady)))
	server.refusing(errors.New("refused"), "list IstioGatewayList")

	expectEqual(t, "targets", targetsOfAll(t.Context(), server), []Target(nil))
	expectEqual(t, "gateways", everyGateway(server)(t.Context(), nil), []reconcile.Request(nil))
}

func TestCacheHoldsOurOwnObjectsAlone(t *testing.T) {
	options, err := CacheOptions("secrets-of-clusters")
	if err != nil {
		t.Fatal(err)
	}
	scheme := schemeOf(t)
	selected := map[string]bool{}
	for object, by := range options.ByObject {
		if by.Field != nil {
			// The fence is found by its name.
			selected[kindIn(t, scheme, object)] = by.Field.Matches(fields.Set{"metadata.name": fence.Name}) && !by.Field.Matches(fields.Set{"metadata.name": "theirs"})
			continue
		}
		if len(by.Namespaces) > 0 {
			// Of Secrets only the names, in one namespace, and only those that register clusters.
			_, there := by.Namespaces["secrets-of-clusters"]
			selected[kindIn(t, scheme, object)] = there && len(by.Namespaces) == 1 &&
				by.Label.Matches(labels.Set{"istio/multiCluster": "true"}) && !by.Label.Matches(labels.Set{"app": "istio-edge"})
			continue
		}
		selected[kindIn(t, scheme, object)] = by.Label.Matches(labels.Set{"portcullis.dev/gateway": "edge"}) && !by.Label.Matches(labels.Set{"app": "istio-edge"})
	}
	want := map[string]bool{"ValidatingAdmissionPolicy": true, "ValidatingAdmissionPolicyBinding": true, "Secret": true, "EndpointSlice": true}
	for _, kind := range ownedKinds() {
		want[kindIn(t, scheme, kind.object)] = true
	}
	expectEqual(t, "kinds of which the cache holds ours alone", selected, want)
}
