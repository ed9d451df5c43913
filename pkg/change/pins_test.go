package change

import (
	"testing"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/api/v1alpha1"
)

func TestBetweenJudgesBothVersionsUnderTheStoredPins(t *testing.T) {
	old := gatewayOf(t, `{spec: {clusterIds: [c1], ports: [{port: 80}]}}`)
	old.Status.Clusters = []v1beta1.ClusterStatus{{ClusterID: "c1", Mesh: &v1alpha1.MeshProfile{Version: "1.26.0", ProxyImage: "proxy:1"}}}
	// The cluster has a newer profile, and one under which ports are part of the pods.
	registered := clustersOf(map[string]string{"c1": "1.15.3"})
	registered[0].Spec.Mesh.ProxyImage = "proxy:2"

	for name, test := range map[string]struct {
		change  func(*v1beta1.IstioGateway)
		restart []string
	}{
		"a newer profile is no change":       {func(*v1beta1.IstioGateway) {}, nil},
		"it does not come in with another":   {func(gw *v1beta1.IstioGateway) { gw.Spec.ReplicaCount = new(int32(3)) }, nil},
		"the pinned mesh decides what ports": {func(gw *v1beta1.IstioGateway) { gw.Spec.Ports[0].Port = 443 }, nil},
		"what a client writes into the status of its version does not count": {func(gw *v1beta1.IstioGateway) {
			gw.Spec.Ports[0].Port = 443
			gw.Status.Clusters[0].Mesh = &v1alpha1.MeshProfile{Version: "1.15.3"}
		}, nil},
		"pods restart all the same when they are changed": {func(gw *v1beta1.IstioGateway) { gw.Spec.RunAsRoot = new(true) }, []string{"c1"}},
	} {
		t.Run(name, func(t *testing.T) {
			changed := old.DeepCopy()
			test.change(changed)
			got, err := Between(old, changed, registered)
			if err != nil {
				t.Fatal(err)
			}
			if !equal(got.Effects[Restart], test.restart) {
				t.Errorf("got restarts in %v, want %v", got.Effects[Restart], test.restart)
			}
		})
	}
}
