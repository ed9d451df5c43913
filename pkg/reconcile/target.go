package reconcile

import (
	"context"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/api/v1alpha1"
	"portcullis.dev/portcullis/pkg/gateway"
	"portcullis.dev/portcullis/pkg/render"
)

// Target is one gateway in one cluster: the unit of work, and the key of its queue.
type Target struct {
	// Gateway is the IstioGateway's namespace and name.
	Gateway types.NamespacedName
	// Cluster is the cluster's ID.
	Cluster string
}

// String is how logs name a target.
func (t Target) String() string {
	return t.Gateway.String() + "@" + t.Cluster
}

// targetsOfGateway are the clusters where a gateway is or shall be.
func targetsOfGateway(_ context.Context, object client.Object) []Target {
	gw, ok := object.(*v1beta1.IstioGateway)
	if !ok {
		return nil
	}
	// What the status names covers what the spec names: an entry is written before anything is applied.
	targets := make([]Target, 0, len(gw.Status.Clusters))
	for _, entry := range gw.Status.Clusters {
		targets = append(targets, Target{Gateway: client.ObjectKeyFromObject(gw), Cluster: entry.ClusterID})
	}
	return targets
}

// targetsOfObject is the target that an applied object belongs to, by its labels: an object in another
// cluster than the gateway can have no owner reference to it.
func targetsOfObject(_ context.Context, object client.Object) []Target {
	labels := object.GetLabels()
	if labels[render.LabelGateway] == "" || labels[render.LabelCluster] == "" {
		return nil
	}
	return []Target{{
		Gateway: types.NamespacedName{Namespace: object.GetNamespace(), Name: labels[render.LabelGateway]},
		Cluster: labels[render.LabelCluster],
	}}
}

// wanted lists the clusters that a gateway shall be in; none once it is being deleted.
func wanted(gw *v1beta1.IstioGateway, registered []v1alpha1.GatewayCluster) []string {
	if gw.DeletionTimestamp != nil {
		return nil
	}
	return gateway.Clusters(gw, registered)
}
