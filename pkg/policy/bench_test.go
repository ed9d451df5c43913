package policy_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/api/v1alpha1"
	"portcullis.dev/portcullis/pkg/change"
	"portcullis.dev/portcullis/pkg/gateway"
	"portcullis.dev/portcullis/pkg/policy"
	"portcullis.dev/portcullis/policies"
)

// The gateways that are measured, by name: one that is the same in all of its clusters, and one that is overridden in
// each, with one of five sizes and a load balancer of its own.
var measured = []struct {
	name       string
	clusters   int
	overridden bool
}{
	{name: "alike/clusters=2", clusters: 2},
	{name: "alike/clusters=50", clusters: 50},
	{name: "overridden/clusters=2", clusters: 2, overridden: true},
	{name: "overridden/clusters=50", clusters: 50, overridden: true},
}

// BenchmarkValidate is one decision of the whole library. The budget is a median of 300 µs for 2 clusters and 1.5 ms
// for 50.
func BenchmarkValidate(b *testing.B) {
	for _, gw := range measured {
		b.Run(gw.name, func(b *testing.B) {
			engine := newEngine(b, policies.FS)
			in := placedIn(b, gw.clusters, gw.overridden)
			b.ReportAllocs()
			for b.Loop() {
				verdict, err := engine.Validate(b.Context(), in)
				if err != nil || len(verdict.Denials) > 0 {
					b.Fatal(verdict, err)
				}
			}
		})
	}
}

// BenchmarkMutate is what the same gateways cost to fill in.
func BenchmarkMutate(b *testing.B) {
	for _, gw := range measured {
		b.Run(gw.name, func(b *testing.B) {
			engine := newEngine(b, policies.FS)
			in := placedIn(b, gw.clusters, gw.overridden)
			b.ReportAllocs()
			for b.Loop() {
				mutation, err := engine.Mutate(b.Context(), in)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := mutation.Apply(in.Gateway.(map[string]any)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// placedIn is the input for an update of a gateway in some clusters, built as the webhook builds it.
func placedIn(b *testing.B, clusters int, overridden bool) policy.Input {
	b.Helper()
	gw := object(b, `{
		"apiVersion": "istio.alibabacloud.com/v1beta1", "kind": "IstioGateway",
		"metadata": {"name": "edge", "namespace": "istio-system"},
		"spec": {
			"gatewayType": "ingress", "serviceType": "LoadBalancer", "externalTrafficPolicy": "Local",
			"ports": [
				{"name": "status-port", "port": 15020, "protocol": "TCP", "targetPort": 15020},
				{"name": "http2", "port": 80, "protocol": "TCP", "targetPort": 80},
				{"name": "https", "port": 443, "protocol": "TCP", "targetPort": 443},
				{"name": "tls", "port": 15443, "protocol": "TCP", "targetPort": 15443}
			],
			"replicaCount": 2, "minReplicas": 2, "maxReplicas": 10, "cpu": {"targetAverageUtilization": 80},
			"resources": {"limits": {"cpu": "2", "memory": "2G"}, "requests": {"cpu": "200m", "memory": "256Mi"}},
			"kernel": {"enabled": true, "parameters": {"net.ipv4.ip_local_port_range": "1024 65535"}},
			"podAnnotations": {"team": "edge"}, "podLabels": {"team": "edge"},
			"rollingMaxSurge": "100%", "rollingMaxUnavailable": "25%", "dnsPolicy": "ClusterFirst", "hostNetwork": false
		}
	}`)
	spec := gw["spec"].(map[string]any)
	ids, overrides := []any{}, map[string]any{}
	for i := range clusters {
		id := fmt.Sprintf("c%032d", i)
		ids = append(ids, id)
		overrides[id] = map[string]any{
			"replicaCount":       float64(2 + i%5),
			"maxReplicas":        float64(10 * (1 + i%5)),
			"serviceAnnotations": map[string]any{"service.beta.kubernetes.io/alibaba-cloud-loadbalancer-id": "lb-" + id},
		}
	}
	spec["clusterIds"] = ids
	if overridden {
		spec["overrides"] = overrides
	}
	return policy.Input{
		Request:  policy.Request{Operation: "UPDATE", User: policy.User{Username: "ann", Groups: []string{"edge"}}, Name: "edge", Namespace: "istio-system"},
		Gateway:  gw,
		Old:      gw,
		Clusters: clustersOf(b, gw, ids),
		Mesh:     policy.Mesh{Version: "1.26.0.1"},
		Change:   change.None(),
		Now:      "2026-11-21T06:00:00Z",
	}
}

// clustersOf is what the webhook tells of the clusters.
func clustersOf(b *testing.B, gw map[string]any, ids []any) map[string]policy.Cluster {
	b.Helper()
	text, err := json.Marshal(gw)
	if err != nil {
		b.Fatal(err)
	}
	typed := &v1beta1.IstioGateway{}
	if err := json.Unmarshal(text, typed); err != nil {
		b.Fatal(err)
	}
	out := map[string]policy.Cluster{}
	for _, id := range ids {
		cluster := &v1alpha1.GatewayCluster{}
		cluster.Name = id.(string)
		cluster.Spec.Facts = &v1alpha1.ClusterFacts{KubernetesVersion: "v1.36.3", KernelVersions: []string{"5.10.134-16.al8.x86_64"}, VirtualNodes: v1alpha1.VirtualNodesNone}
		placed := gateway.Place(typed, cluster)
		out[cluster.Name] = policy.Cluster{
			Registered: true, Reachable: true, Facts: placed.Facts, Effective: placed.Spec,
			Mesh: policy.Mesh{Version: "1.26.0.1"},
		}
	}
	return out
}
