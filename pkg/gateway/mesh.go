package gateway

import (
	"cmp"

	"portcullis.dev/portcullis/pkg/api/v1alpha1"
)

// The defaults of a mesh profile, as v1alpha1.MeshProfile documents them.
const (
	// DefaultRevision is the revision of a control plane that nobody gave another.
	DefaultRevision = "default"

	defaultProxyImage = "docker.io/istio/proxyv2:1.26.0"
	defaultDomain     = "cluster.local"
)

// completeMesh is a mesh profile with every default filled. Rendering then asks no question whose answer may
// differ between admission and the controller, and a profile that is pinned in a status is complete.
func completeMesh(stated *v1alpha1.MeshProfile) v1alpha1.MeshProfile {
	mesh := v1alpha1.MeshProfile{}
	if stated != nil {
		mesh = *stated.DeepCopy()
	}
	mesh.Version = cmp.Or(mesh.Version, DefaultMeshVersion)
	mesh.Revision = cmp.Or(mesh.Revision, DefaultRevision)
	mesh.ProxyImage = cmp.Or(mesh.ProxyImage, defaultProxyImage)
	mesh.CAAddress = cmp.Or(mesh.CAAddress, ControlPlaneAddress(mesh.Revision))
	mesh.TrustDomain = cmp.Or(mesh.TrustDomain, defaultDomain)
	mesh.ClusterDomain = cmp.Or(mesh.ClusterDomain, defaultDomain)
	mesh.MeshID = cmp.Or(mesh.MeshID, mesh.TrustDomain)
	return mesh
}

// ControlPlaneAddress is where pods find the control plane of a revision: configuration, and certificates
// unless the mesh has an authority elsewhere.
func ControlPlaneAddress(revision string) string {
	if revision == DefaultRevision {
		return "istiod.istio-system.svc:15012"
	}
	return "istiod-" + revision + ".istio-system.svc:15012"
}

// completeFacts joins what is stated of a cluster with what was found out; what is stated wins, fact by fact.
func completeFacts(stated, found *v1alpha1.ClusterFacts) v1alpha1.ClusterFacts {
	facts := v1alpha1.ClusterFacts{}
	if found != nil {
		facts = *found.DeepCopy()
	}
	if stated == nil {
		return facts
	}
	// Copied before anything is taken out of it: pointers and lists would be shared otherwise.
	stated = stated.DeepCopy()
	facts.KubernetesVersion = cmp.Or(stated.KubernetesVersion, facts.KubernetesVersion)
	facts.VirtualNodes = cmp.Or(stated.VirtualNodes, facts.VirtualNodes)
	facts.Nodes = cmp.Or(stated.Nodes, facts.Nodes)
	facts.LoadBalancer = cmp.Or(stated.LoadBalancer, facts.LoadBalancer)
	if len(stated.KernelVersions) > 0 {
		facts.KernelVersions = stated.KernelVersions
	}
	return facts
}
