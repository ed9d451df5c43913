package review

import (
	"context"
	"fmt"
	"slices"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/gateway"
	"portcullis.dev/portcullis/pkg/policy"
)

// meet tells a gateway on the network of its nodes of the others that are: each node has room for one pod of them all.
func (r *Reviewer) meet(ctx context.Context, request Request, clusters map[string]policy.Cluster) error {
	if request.Gateway == nil || !onHost(request.Gateway.Typed) {
		return nil
	}
	registered, err := r.Clusters(ctx)
	if err != nil {
		return fmt.Errorf("listing the registered clusters: %w", err)
	}
	others, err := r.Gateways(ctx)
	if err != nil {
		return fmt.Errorf("listing the other gateways: %w", err)
	}
	// Whoever else counts the pods of a gateway may have none.
	others = slices.DeleteFunc(slices.Clone(others), func(other v1beta1.IstioGateway) bool {
		return other.Annotations[gateway.AnnotationReplicasManagedByASM] == "false"
	})
	known := byName(registered)
	for id, cluster := range clusters {
		cluster.Neighbours = map[string]any{}
		clusters[id] = cluster
	}
	for i := range others {
		other := &others[i]
		if !onHost(other) || other.Namespace == request.Namespace && other.Name == request.Name {
			continue
		}
		for _, id := range gateway.Clusters(other, registered) {
			if cluster, ok := clusters[id]; ok {
				cluster.Neighbours[other.Namespace+"/"+other.Name] = describe(other, id, known[id]).Effective
			}
		}
	}
	return nil
}

// onHost says whether a gateway's pods are on the network of their nodes.
func onHost(gw *v1beta1.IstioGateway) bool {
	return gw.Spec.HostNetwork != nil && *gw.Spec.HostNetwork
}
