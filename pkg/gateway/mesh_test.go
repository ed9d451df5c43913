package gateway

import (
	"testing"

	"portcullis.dev/portcullis/pkg/api/v1alpha1"
)

// defaultMesh is what the API documents for a cluster that says nothing of its mesh.
func defaultMesh() v1alpha1.MeshProfile {
	return v1alpha1.MeshProfile{
		Version:       "1.26.0",
		Revision:      "default",
		ProxyImage:    "docker.io/istio/proxyv2:1.26.0",
		CAAddress:     "istiod.istio-system.svc:15012",
		TrustDomain:   "cluster.local",
		ClusterDomain: "cluster.local",
		MeshID:        "cluster.local",
	}
}

func TestPlaceCompletesTheMeshProfile(t *testing.T) {
	for _, test := range []struct {
		name   string
		stated *v1alpha1.MeshProfile
		want   func(*v1alpha1.MeshProfile)
	}{
		{
			name:   "takes every default when nothing is stated",
			stated: nil,
			want:   func(*v1alpha1.MeshProfile) {},
		},
		{
			name:   "takes every default when an empty profile is stated",
			stated: &v1alpha1.MeshProfile{},
			want:   func(*v1alpha1.MeshProfile) {},
		},
		{
			name:   "asks the certificate authority of the revision",
			stated: &v1alpha1.MeshProfile{Revision: "canary"},
			want: func(mesh *v1alpha1.MeshProfile) {
				mesh.Revision, mesh.CAAddress = "canary", "istiod-canary.istio-system.svc:15012"
			},
		},
		{
			name:   "names the mesh after its trust domain",
			stated: &v1alpha1.MeshProfile{TrustDomain: "example.com"},
			want: func(mesh *v1alpha1.MeshProfile) {
				mesh.TrustDomain, mesh.MeshID = "example.com", "example.com"
			},
		},
		{
			name:   "does not derive the trust domain from the cluster's domain",
			stated: &v1alpha1.MeshProfile{ClusterDomain: "k8s.example.com"},
			want:   func(mesh *v1alpha1.MeshProfile) { mesh.ClusterDomain = "k8s.example.com" },
		},
		{
			name: "keeps all that is stated",
			stated: &v1alpha1.MeshProfile{
				Version: "1.18.0.147", Revision: "asm", ProxyImage: "registry.example.com/proxyv2:1.18",
				ImagePullSecrets: []string{"pull"}, CAAddress: "ca.example.com:15012", TrustDomain: "td", ClusterDomain: "cd",
				MeshID: "id", Network: "n", ProxyMetadata: map[string]string{"A": "1"},
			},
			want: func(mesh *v1alpha1.MeshProfile) {
				*mesh = v1alpha1.MeshProfile{
					Version: "1.18.0.147", Revision: "asm", ProxyImage: "registry.example.com/proxyv2:1.18",
					ImagePullSecrets: []string{"pull"}, CAAddress: "ca.example.com:15012", TrustDomain: "td", ClusterDomain: "cd",
					MeshID: "id", Network: "n", ProxyMetadata: map[string]string{"A": "1"},
				}
			},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			cluster := &v1alpha1.GatewayCluster{}
			cluster.Spec.Mesh = test.stated
			want := defaultMesh()
			test.want(&want)
			expectSame(t, Place(gatewayOf(t, `{}`), cluster).Mesh, want)
		})
	}
}

func TestPlaceJoinsTheFacts(t *testing.T) {
	found := &v1alpha1.ClusterFacts{
		KubernetesVersion: "v1.36.3", KernelVersions: []string{"5.10.0"}, VirtualNodes: v1alpha1.VirtualNodesNone,
		Nodes: new(int32(3)), LoadBalancer: new(true),
	}
	for _, test := range []struct {
		name          string
		stated, found *v1alpha1.ClusterFacts
		want          v1alpha1.ClusterFacts
	}{
		{name: "knows nothing of a cluster that nobody looked at"},
		{name: "takes what was found out", found: found, want: *found},
		{name: "takes what is stated when nothing was found out", stated: found, want: *found},
		{
			name:   "prefers what is stated, fact by fact",
			stated: &v1alpha1.ClusterFacts{VirtualNodes: v1alpha1.VirtualNodesAll, LoadBalancer: new(false)},
			found:  found,
			want: v1alpha1.ClusterFacts{
				KubernetesVersion: "v1.36.3", KernelVersions: []string{"5.10.0"}, VirtualNodes: v1alpha1.VirtualNodesAll,
				Nodes: new(int32(3)), LoadBalancer: new(false),
			},
		},
		{
			name: "prefers all that is stated",
			stated: &v1alpha1.ClusterFacts{
				KubernetesVersion: "v1.30.0", KernelVersions: []string{"4.19.91"}, VirtualNodes: v1alpha1.VirtualNodesSome,
				Nodes: new(int32(0)), LoadBalancer: new(false),
			},
			found: found,
			want: v1alpha1.ClusterFacts{
				KubernetesVersion: "v1.30.0", KernelVersions: []string{"4.19.91"}, VirtualNodes: v1alpha1.VirtualNodesSome,
				Nodes: new(int32(0)), LoadBalancer: new(false),
			},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			cluster := &v1alpha1.GatewayCluster{}
			cluster.Spec.Facts, cluster.Status.Facts = test.stated, test.found
			expectSame(t, Place(gatewayOf(t, `{}`), cluster).Facts, test.want)
		})
	}
}

func TestControlPlaneAddress(t *testing.T) {
	for revision, want := range map[string]string{
		"default": "istiod.istio-system.svc:15012",
		"canary":  "istiod-canary.istio-system.svc:15012",
	} {
		if got := ControlPlaneAddress(revision); got != want {
			t.Errorf("revision %q: got %q, want %q", revision, got, want)
		}
	}
}
