package review

import (
	"context"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/api/v1alpha1"
	"portcullis.dev/portcullis/pkg/gateway"
	"portcullis.dev/portcullis/pkg/policy"
)

// input gathers what the rules may read of a request.
func (r *Reviewer) input(ctx context.Context, request Request) (policy.Input, error) {
	registered, err := r.Clusters(ctx)
	if err != nil {
		return policy.Input{}, fmt.Errorf("listing the registered clusters: %w", err)
	}
	input := policy.Input{
		Request: policy.Request{
			Operation: string(request.Operation),
			User:      request.User,
			DryRun:    request.DryRun,
			Name:      request.Name,
			Namespace: request.Namespace,
		},
		Clusters: clusters(request, registered),
		Now:      r.Now().UTC().Format(time.RFC3339),
	}
	// Assigned only when there is one: a typed nil in an interface would reach the rules as null, which is
	// not absent.
	if request.Gateway != nil {
		input.Gateway = request.Gateway.Raw
	}
	if request.Old != nil {
		input.Old = request.Old.Raw
	}
	input.Mesh = policy.Mesh{Version: lowest(input.Clusters)}
	return input, nil
}

// clusters describes every cluster that the request concerns, known or not.
func clusters(request Request, registered []v1alpha1.GatewayCluster) map[string]policy.Cluster {
	known := byName(registered)
	out := map[string]policy.Cluster{}
	var stored *v1beta1.IstioGateway
	if request.Old != nil {
		stored = request.Old.Typed
	}
	// What the gateway is to be in a cluster goes before what it was there, so that none is described twice.
	for _, object := range []*Object{request.Gateway, request.Old} {
		if object == nil {
			continue
		}
		// Only what is stored pins a mesh profile; the version that comes in may say anything in its status.
		gw := gateway.WithPins(object.Typed, stored)
		for _, id := range gateway.Clusters(gw, registered) {
			if out[id].Effective == nil {
				out[id] = describe(gw, id, known[id])
			}
		}
		// The cluster that metrics go to is named by the gateway, though the gateway is not placed there.
		if id := gw.Annotations[gateway.AnnotationExportMetrics]; id != "" {
			if _, ok := out[id]; !ok {
				out[id] = policy.Cluster{Registered: known[id] != nil}
			}
		}
	}
	return out
}

// byName are registered clusters by their names.
func byName(registered []v1alpha1.GatewayCluster) map[string]*v1alpha1.GatewayCluster {
	out := make(map[string]*v1alpha1.GatewayCluster, len(registered))
	for i := range registered {
		out[registered[i].Name] = &registered[i]
	}
	return out
}

// describe says what the rules may know of a cluster and of the gateway in it.
func describe(gw *v1beta1.IstioGateway, id string, cluster *v1alpha1.GatewayCluster) policy.Cluster {
	out := policy.Cluster{Registered: cluster != nil, Reachable: true}
	if cluster == nil {
		// The gateway has an effective spec all the same, so that every other rule can judge it and the
		// author learns everything at once.
		cluster = &v1alpha1.GatewayCluster{}
		cluster.Name = id
	}
	placed := gateway.Place(gw, cluster)
	out.Managed = cluster.Spec.Managed != nil && *cluster.Spec.Managed
	out.Facts = placed.Facts
	out.Effective = placed.Spec
	out.Mesh = policy.Mesh{Version: placed.Mesh.Version, PrivilegedInit: placed.Mesh.PrivilegedInit}
	for _, condition := range cluster.Status.Conditions {
		if condition.Type == v1alpha1.ConditionReachable {
			out.Reachable = condition.Status != metav1.ConditionFalse
		}
	}
	return out
}

// lowest is the lowest mesh version of some clusters: what all of them can do.
func lowest(clusters map[string]policy.Cluster) string {
	version := ""
	for _, cluster := range clusters {
		if cluster.Mesh.Version == "" {
			continue
		}
		if version == "" || gateway.CompareVersions(cluster.Mesh.Version, version) < 0 {
			version = cluster.Mesh.Version
		}
	}
	if version == "" {
		return gateway.DefaultMeshVersion
	}
	return version
}
