package gateway

import (
	"testing"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/api/v1alpha1"
)

// pinnedTo is a gateway whose status pins a mesh profile in the first cluster.
func pinnedTo(t *testing.T, profile *v1alpha1.MeshProfile) *v1beta1.IstioGateway {
	t.Helper()
	gw := gatewayOf(t, `{ports: [{port: 80}], overrides: {c8a4b2e19d04: {serviceType: NodePort}, c9f3e7a51b60: {serviceType: NodePort}}}`)
	gw.Status.Clusters = []v1beta1.ClusterStatus{{ClusterID: first, Mesh: profile}}
	return gw
}

func TestPlaceUsesThePinnedProfileAndPlaceNewestTheClusters(t *testing.T) {
	pin := &v1alpha1.MeshProfile{Version: "1.15.3", ProxyImage: "registry.example/proxyv2:1.15.3"}
	newest := &v1alpha1.MeshProfile{Version: "1.26.0", ProxyImage: "registry.example/proxyv2:1.26.0"}
	here, there := clusterOf(first, ""), clusterOf(second, "")
	here.Spec.Mesh, there.Spec.Mesh = newest, newest
	gw := pinnedTo(t, pin)

	expectSame(t, Place(gw, here).Mesh, completeMesh(pin))
	expectSame(t, PlaceNewest(gw, here).Mesh, completeMesh(newest))
	// What the pinned mesh does not honour is not honoured, though the newest would.
	if got := *Place(gw, here).Spec.ServiceType; got != "LoadBalancer" {
		t.Errorf("got serviceType %s under the pin, want LoadBalancer", got)
	}
	if got := *PlaceNewest(gw, here).Spec.ServiceType; got != "NodePort" {
		t.Errorf("got serviceType %s with the newest profile, want NodePort", got)
	}
	// Another cluster's pin pins nothing here.
	expectSame(t, Place(gw, there), PlaceNewest(gw, there))
}

func TestAnEntryWithoutProfilePinsNothing(t *testing.T) {
	here := clusterOf(first, "1.20")
	expectSame(t, Place(pinnedTo(t, nil), here), PlaceNewest(gatewayOf(t, `{ports: [{port: 80}], overrides: {c8a4b2e19d04: {serviceType: NodePort}, c9f3e7a51b60: {serviceType: NodePort}}}`), here))
}

func TestAPinHoldsWhateverBecomesOfTheRegistration(t *testing.T) {
	pin := &v1alpha1.MeshProfile{Version: "1.18.0"}
	unknown := &v1alpha1.GatewayCluster{}
	unknown.Name = first
	expectSame(t, Place(pinnedTo(t, pin), unknown).Mesh, completeMesh(pin))
}

func TestAPinnedProfilePinsItself(t *testing.T) {
	here := clusterOf(first, "1.26.0")
	here.Spec.Mesh.Revision, here.Spec.Mesh.ImagePullSecrets = "canary", []string{"b", "a"}
	gw := gatewayOf(t, `{ports: [{port: 80}]}`)
	before := Place(gw, here)
	gw.Status.Clusters = []v1beta1.ClusterStatus{{ClusterID: first, Mesh: &before.Mesh}}
	here.Spec.Mesh = &v1alpha1.MeshProfile{Version: "1.27.0", Revision: "next"}
	expectSame(t, Place(gw, here), before)
}

func TestWithPinsTakesTheStoredPinsAndNoOthers(t *testing.T) {
	stored := pinnedTo(t, &v1alpha1.MeshProfile{Version: "1.15.3"})
	forged := pinnedTo(t, &v1alpha1.MeshProfile{Version: "1.99.0"})
	before := forged.DeepCopy()
	here := clusterOf(first, "1.26.0")
	for name, test := range map[string]struct {
		stored *v1beta1.IstioGateway
		want   string
	}{
		"of the stored gateway":            {stored, "1.15.3"},
		"none of one that is not stored":   {nil, "1.26.0"},
		"none of one that was not applied": {gatewayOf(t, `{}`), "1.26.0"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Place(WithPins(forged, test.stored), here).Mesh.Version; got != test.want {
				t.Errorf("got mesh %s, want %s", got, test.want)
			}
		})
	}
	expectSame(t, forged, before)
	if WithPins(nil, stored) != nil {
		t.Error("no gateway became one")
	}
}
