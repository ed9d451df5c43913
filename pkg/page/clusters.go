package page

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"portcullis.dev/portcullis/pkg/api/v1alpha1"
)

// clusters are the registered clusters.
type clusters struct {
	// Hidden says that the viewer may not list them.
	Hidden bool
	Rows   []clusterRow
}

// clusterRow is one cluster.
type clusterRow struct {
	ID, Mesh, Kubernetes string
	// Reachable and Fenced are the conditions of these names.
	Reachable, Fenced metav1.Condition
}

// clusters reads the registered clusters, if the viewer may list them.
func (h *Handler) clusters(ctx context.Context, v *viewer) (clusters, error) {
	allowed, err := v.may(ctx, "list", clustersResource, "")
	if err != nil || !allowed {
		return clusters{Hidden: true}, err
	}
	list := &v1alpha1.GatewayClusterList{}
	if err := h.Known.List(ctx, list); err != nil {
		return clusters{}, fmt.Errorf("listing GatewayClusters: %w", err)
	}
	var out clusters
	for _, cluster := range list.Items {
		row := clusterRow{
			ID:        cluster.Name,
			Reachable: conditionOf(cluster.Status.Conditions, v1alpha1.ConditionReachable),
			Fenced:    conditionOf(cluster.Status.Conditions, v1alpha1.ConditionFenced),
		}
		if cluster.Spec.Mesh != nil {
			row.Mesh = cluster.Spec.Mesh.Version
		}
		if cluster.Status.Facts != nil {
			row.Kubernetes = cluster.Status.Facts.KubernetesVersion
		}
		out.Rows = append(out.Rows, row)
	}
	return out, nil
}

// conditionOf is a condition; one that nobody wrote yet is Unknown.
func conditionOf(conditions []metav1.Condition, name string) metav1.Condition {
	if found := meta.FindStatusCondition(conditions, name); found != nil {
		return *found
	}
	return metav1.Condition{Type: name, Status: metav1.ConditionUnknown}
}
