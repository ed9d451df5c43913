package reconcile

import (
	"context"
	"fmt"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/gateway"
)

// observe notes in an entry what became of the objects that were applied. What was made a moment ago may
// not be seen yet; its arrival is an event that brings us back.
func (c *cluster) observe(ctx context.Context, entry v1beta1.ClusterStatus, placed gateway.Placed) (v1beta1.ClusterStatus, error) {
	key := client.ObjectKey{Namespace: placed.Namespace, Name: gateway.ObjectName(placed.Name)}
	deployment := &appsv1.Deployment{}
	if err := c.client.Get(ctx, key, deployment); client.IgnoreNotFound(err) != nil {
		return entry, fmt.Errorf("reading Deployment %s: %w", key, err)
	}
	services, err := c.services(ctx, placed)
	if err != nil {
		return entry, err
	}
	entry.State, entry.Message = v1beta1.ClusterApplied, ""
	if available(deployment) && c.seen(deployment) {
		entry.State = v1beta1.ClusterReady
	}
	entry.Replicas = desiredReplicas(deployment)
	entry.ReadyReplicas = deployment.Status.ReadyReplicas
	entry.Addresses, entry.Unassigned = addresses(services...), unassigned(services)
	return entry, nil
}

// services are the Services of a gateway: its own, and those of its further load balancers.
func (c *cluster) services(ctx context.Context, placed gateway.Placed) ([]*corev1.Service, error) {
	names := []string{gateway.ObjectName(placed.Name)}
	further, err := gateway.LoadBalancers(placed.Annotations, placed.Spec.Ports)
	if err != nil {
		return nil, fmt.Errorf("reading annotation %s: %w", gateway.AnnotationLoadBalancers, err)
	}
	for _, balancer := range further {
		names = append(names, gateway.LoadBalancerName(placed.Name, balancer.Name))
	}
	out := make([]*corev1.Service, len(names))
	for i, name := range names {
		out[i] = &corev1.Service{}
		key := client.ObjectKey{Namespace: placed.Namespace, Name: name}
		if err := c.client.Get(ctx, key, out[i]); client.IgnoreNotFound(err) != nil {
			return nil, fmt.Errorf("reading Service %s: %w", key, err)
		}
	}
	return out, nil
}

// seen says whether the cache has caught up with what we last applied to a Deployment. Until then its status
// tells of the pods before.
func (c *cluster) seen(deployment *appsv1.Deployment) bool {
	last, _ := c.last(objectKey{appsv1.SchemeGroupVersion.WithKind("Deployment"), client.ObjectKeyFromObject(deployment)})
	return !newer(last.resourceVersion, deployment.ResourceVersion)
}

// available says whether every wanted pod is of the newest template and available.
func available(deployment *appsv1.Deployment) bool {
	status := deployment.Status
	return deployment.Generation > 0 &&
		status.ObservedGeneration >= deployment.Generation &&
		status.UpdatedReplicas == desiredReplicas(deployment) &&
		status.AvailableReplicas == desiredReplicas(deployment)
}

// desiredReplicas is the number of pods that a Deployment wants.
func desiredReplicas(deployment *appsv1.Deployment) int32 {
	if deployment.Spec.Replicas == nil {
		return 0
	}
	return *deployment.Spec.Replicas
}

// addresses are the addresses of the load balancers of some Services, sorted.
func addresses(services ...*corev1.Service) []string {
	var out []string
	for _, service := range services {
		for _, ingress := range service.Status.LoadBalancer.Ingress {
			if ingress.IP != "" {
				out = append(out, ingress.IP)
			}
			if ingress.Hostname != "" {
				out = append(out, ingress.Hostname)
			}
		}
	}
	slices.Sort(out)
	return out
}

// unassigned are the names of the Services whose load balancers have no address yet.
func unassigned(services []*corev1.Service) []string {
	var out []string
	for _, service := range services {
		if service.Spec.Type == corev1.ServiceTypeLoadBalancer && len(addresses(service)) == 0 {
			out = append(out, service.Name)
		}
	}
	return out
}
