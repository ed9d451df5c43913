package gateway

import (
	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/api/v1alpha1"
)

// WithPins is a version of a gateway that is placed with the mesh profiles that the stored gateway's status pins; stored
// is nil for a gateway that is not stored yet, which nothing pins. What a client writes into the status of its version
// never counts: the API server drops it, but only after the mutating webhooks have seen it. The result shares everything
// else with gw.
func WithPins(gw, stored *v1beta1.IstioGateway) *v1beta1.IstioGateway {
	if gw == nil {
		return nil
	}
	out := *gw
	out.Status = v1beta1.IstioGatewayStatus{}
	if stored != nil {
		out.Status = stored.Status
	}
	return &out
}

// Profile is the mesh profile that Place renders a gateway with in the cluster of an ID, every default filled; cluster is
// nil for one that is not registered.
func Profile(gw *v1beta1.IstioGateway, cluster *v1alpha1.GatewayCluster, id string) v1alpha1.MeshProfile {
	if pin := pinned(gw, id); pin != nil || cluster == nil {
		return completeMesh(pin)
	}
	return completeMesh(cluster.Spec.Mesh)
}

// pinned is the mesh profile that a gateway's status pins in a cluster, nil when it pins none.
func pinned(gw *v1beta1.IstioGateway, clusterID string) *v1alpha1.MeshProfile {
	for i := range gw.Status.Clusters {
		if gw.Status.Clusters[i].ClusterID == clusterID {
			return gw.Status.Clusters[i].Mesh
		}
	}
	return nil
}
