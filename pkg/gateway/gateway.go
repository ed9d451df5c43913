// Package gateway says what a gateway means in one cluster: its effective spec, the mesh that its pods join,
// and the names and annotations that everybody who deals with it agrees on. It is pure: a value in, a value
// out, and nothing that comes in is changed.
package gateway

import (
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/types"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/api/v1alpha1"
)

// Placed is one gateway in one cluster: all that rendering reads.
type Placed struct {
	// Name and Namespace of the gateway; its objects lie in the same namespace.
	Name, Namespace string
	// UID of the gateway.
	UID types.UID
	// Annotations of the gateway.
	Annotations map[string]string
	// ClusterID is the ID of the cluster.
	ClusterID string
	// Spec is the effective spec: the gateway's, with the cluster's overrides and every default in place.
	// Overrides and ClusterIDs are absent.
	Spec v1beta1.IstioGatewaySpec
	// Mesh is the cluster's mesh profile with every default filled.
	Mesh v1alpha1.MeshProfile
	// Facts are what is known of the cluster.
	Facts v1alpha1.ClusterFacts
}

// Place says what a gateway is in a cluster: rendered with the mesh profile that its status pins there, so that a
// newer profile of the cluster changes nothing by itself, and with the cluster's newest where none is pinned yet.
func Place(gw *v1beta1.IstioGateway, cluster *v1alpha1.GatewayCluster) Placed {
	return place(gw, cluster, Profile(gw, cluster, cluster.Name))
}

// PlaceNewest says what a gateway would be in a cluster with the cluster's newest mesh profile, whatever its status
// pins.
func PlaceNewest(gw *v1beta1.IstioGateway, cluster *v1alpha1.GatewayCluster) Placed {
	return place(gw, cluster, completeMesh(cluster.Spec.Mesh))
}

// place says what a gateway is in a cluster with a mesh profile.
func place(gw *v1beta1.IstioGateway, cluster *v1alpha1.GatewayCluster, mesh v1alpha1.MeshProfile) Placed {
	return Placed{
		Name:      gw.Name,
		Namespace: gw.Namespace,
		UID:       gw.UID,
		// All of them: which ones matter is for those who read them to say.
		Annotations: maps.Clone(gw.Annotations),
		ClusterID:   cluster.Name,
		Spec:        effectiveSpec(gw.Spec, cluster.Name, mesh.Version),
		Mesh:        mesh,
		Facts:       completeFacts(cluster.Spec.Facts, cluster.Status.Facts),
	}
}

// Managed says whether a gateway is to run in the mesh's own infrastructure instead of named clusters.
func Managed(gw *v1beta1.IstioGateway) bool {
	return gw.Annotations[AnnotationManagedByASM] == "true"
}

// Clusters lists the IDs of the clusters that a gateway concerns, sorted, each once. They are the ones that
// it names, registered or not; for a managed gateway the one that is registered as managed, if there is one.
func Clusters(gw *v1beta1.IstioGateway, registered []v1alpha1.GatewayCluster) []string {
	if Managed(gw) {
		return managedCluster(registered)
	}
	return slices.Compact(slices.Sorted(slices.Values(gw.Spec.ClusterIDs)))
}

// Find is the registered cluster of an ID, nil when there is none.
func Find(registered []v1alpha1.GatewayCluster, id string) *v1alpha1.GatewayCluster {
	for i := range registered {
		if registered[i].Name == id {
			return &registered[i]
		}
	}
	return nil
}

// managedCluster is the cluster that takes managed gateways, as a list of at most one ID. Of several the
// first by name is taken, so that the answer does not depend on the order of the list.
func managedCluster(registered []v1alpha1.GatewayCluster) []string {
	var managed []string
	for i := range registered {
		if isTrue(registered[i].Spec.Managed) {
			managed = append(managed, registered[i].Name)
		}
	}
	slices.Sort(managed)
	return managed[:min(len(managed), 1)]
}

// ObjectName is the name of a gateway's objects in every cluster, as ASM documents it.
func ObjectName(name string) string {
	return "istio-" + name
}

// CanaryName is the name of a gateway's canary Deployment in every cluster, as ASM documents it.
func CanaryName(name string) string {
	return ObjectName(name) + "-canary"
}

// isTrue reads an optional switch that is off unless it is turned on.
func isTrue(value *bool) bool {
	return value != nil && *value
}
