package cluster

import (
	"context"
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/discovery"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/cluster"

	"portcullis.dev/portcullis/pkg/api/v1alpha1"
)

// page is how many objects are read at once: a cluster may have thousands of nodes, and none of them is kept.
const page = 500

// Virtual nodes carry this label:
// https://www.alibabacloud.com/help/en/ack/serverless-kubernetes/user-guide/virtual-nodes
const (
	virtualNodeLabel = "type"
	virtualNodeValue = "virtual-kubelet"
)

// facts finds out about a cluster what rules want to know. What cannot be told stays unset: it is then for people to
// state in the GatewayCluster.
func facts(ctx context.Context, connection cluster.Cluster, namespace string) (*v1alpha1.ClusterFacts, error) {
	out := &v1alpha1.ClusterFacts{}
	asked, err := discovery.NewDiscoveryClientForConfigAndClient(connection.GetConfig(), connection.GetHTTPClient())
	if err != nil {
		return nil, fmt.Errorf("asking for the version: %w", err)
	}
	version, err := asked.ServerVersion()
	if err != nil {
		return nil, fmt.Errorf("asking for the version: %w", err)
	}
	out.KubernetesVersion = version.GitVersion
	if err := nodeFacts(ctx, connection.GetAPIReader(), out); err != nil {
		return nil, err
	}
	return out, balancerFact(ctx, connection.GetAPIReader(), namespace, out)
}

// nodeFacts counts the nodes, and tells their kernels and how many are virtual.
func nodeFacts(ctx context.Context, reader client.Reader, out *v1alpha1.ClusterFacts) error {
	all, virtual := int32(0), int32(0)
	kernels := map[string]bool{}
	nodes := &corev1.NodeList{}
	for more := true; more; more = nodes.Continue != "" {
		if err := reader.List(ctx, nodes, client.Limit(page), client.Continue(nodes.Continue)); err != nil {
			return fmt.Errorf("listing nodes: %w", err)
		}
		for i := range nodes.Items {
			all++
			if nodes.Items[i].Labels[virtualNodeLabel] == virtualNodeValue {
				// Its kernel is nobody's: pods there run in sandboxes of their own.
				virtual++
				continue
			}
			if kernel := nodes.Items[i].Status.NodeInfo.KernelVersion; kernel != "" {
				kernels[kernel] = true
			}
		}
	}
	out.Nodes = &all
	out.KernelVersions = slices.Sorted(maps.Keys(kernels))
	out.VirtualNodes = share(virtual, all)
	return nil
}

// share says how many of some nodes are virtual; of none it cannot be said.
func share(virtual, all int32) v1alpha1.VirtualNodes {
	switch {
	case all == 0:
		return ""
	case virtual == 0:
		return v1alpha1.VirtualNodesNone
	case virtual < all:
		return v1alpha1.VirtualNodesSome
	default:
		return v1alpha1.VirtualNodesAll
	}
}

// balancerFact says that load balancers get an address where one has. That none has says nothing: there may just be
// no Service that asks for one.
func balancerFact(ctx context.Context, reader client.Reader, namespace string, out *v1alpha1.ClusterFacts) error {
	services := &corev1.ServiceList{}
	for more := true; more; more = services.Continue != "" {
		if err := reader.List(ctx, services, client.InNamespace(namespace), client.Limit(page), client.Continue(services.Continue)); err != nil {
			return fmt.Errorf("listing Services in %s: %w", namespace, err)
		}
		for i := range services.Items {
			if len(services.Items[i].Status.LoadBalancer.Ingress) > 0 {
				out.LoadBalancer = new(true)
				return nil
			}
		}
	}
	return nil
}
