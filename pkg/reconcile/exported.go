package reconcile

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
	discoveryv1ac "k8s.io/client-go/applyconfigurations/discovery/v1"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/gateway"
	"portcullis.dev/portcullis/pkg/render"
)

// The labels of what an export is made of. It has no label of a cluster: that one marks what a gateway is made of there,
// and would have it pruned as none of that.
const (
	// labelExports marks it, with exportsMetrics.
	labelExports   = "portcullis.dev/exports"
	exportsMetrics = "metrics"
	// labelExportedFrom is, on an EndpointSlice, the cluster that its pods run in.
	labelExportedFrom = "portcullis.dev/exported-from"
)

// Where pods serve metrics. The agent's page has Envoy's metrics too; Envoy's own port is there for those who select it by
// the name that Istio gives it.
const (
	agentPort, agentPortName = 15020, "http-metrics"
	envoyPort, envoyPortName = 15090, "http-envoy-prom"
)

// mostEndpoints is how many endpoints are in one EndpointSlice: as many as Kubernetes' own controller puts there. An API
// server takes 1000.
const mostEndpoints = 100

// metricsName is the name of the Service that leads to a gateway's metrics. No object that a gateway is made of is called
// so, for those begin with istio-.
func metricsName(gw *v1beta1.IstioGateway) string {
	return "metrics-" + gw.Name
}

// metricsCluster is the cluster that a gateway's metrics go to; empty for none.
func metricsCluster(gw *v1beta1.IstioGateway) string {
	if gw.DeletionTimestamp != nil {
		return ""
	}
	return gw.Annotations[gateway.AnnotationExportMetrics]
}

// exportLabels are the labels of all that an export is made of.
func exportLabels(gw *v1beta1.IstioGateway) map[string]string {
	return map[string]string{
		"app": gateway.ObjectName(gw.Name), "istio": gw.Name,
		"app.kubernetes.io/part-of": "istio", "app.kubernetes.io/managed-by": "portcullis",
		render.LabelGateway: gw.Name, render.LabelGatewayUID: string(gw.UID),
		labelExports: exportsMetrics,
	}
}

// metricsService is the Service that leads to a gateway's metrics. It selects no pods, for they are elsewhere, and has no
// address of its own: who scrapes wants each pod.
func metricsService(gw *v1beta1.IstioGateway) *corev1ac.ServiceApplyConfiguration {
	port := func(name string, number int32) *corev1ac.ServicePortApplyConfiguration {
		return corev1ac.ServicePort().WithName(name).WithPort(number).WithProtocol(corev1.ProtocolTCP)
	}
	return corev1ac.Service(metricsName(gw), gw.Namespace).
		WithLabels(exportLabels(gw)).
		WithAnnotations(map[string]string{
			"prometheus.io/scrape": "true",
			"prometheus.io/port":   fmt.Sprint(agentPort),
			"prometheus.io/path":   "/stats/prometheus",
		}).
		WithSpec(corev1ac.ServiceSpec().
			WithType(corev1.ServiceTypeClusterIP).WithClusterIP(corev1.ClusterIPNone).
			WithPorts(port(agentPortName, agentPort), port(envoyPortName, envoyPort)))
}

// metricsSlices are the addresses of a gateway's pods in one cluster, as the cluster that its metrics go to takes them: of
// one family in a slice, in order, so that the same pods make the same slices.
func metricsSlices(gw *v1beta1.IstioGateway, from string, pods []discoveryv1.EndpointSlice) []*discoveryv1ac.EndpointSliceApplyConfiguration {
	var out []*discoveryv1ac.EndpointSliceApplyConfiguration
	for _, family := range []discoveryv1.AddressType{discoveryv1.AddressTypeIPv4, discoveryv1.AddressTypeIPv6} {
		number := 0
		for part := range slices.Chunk(endpointsOf(pods, family), mostEndpoints) {
			out = append(out, metricsSlice(gw, from, family, number).WithEndpoints(part...))
			number++
		}
	}
	return out
}

// metricsSlice is one slice, still without endpoints.
func metricsSlice(gw *v1beta1.IstioGateway, from string, family discoveryv1.AddressType, number int) *discoveryv1ac.EndpointSliceApplyConfiguration {
	labels := exportLabels(gw)
	labels[labelExportedFrom] = from
	labels[discoveryv1.LabelServiceName] = metricsName(gw)
	// Kubernetes' own controller leaves alone what another one manages.
	labels[discoveryv1.LabelManagedBy] = "portcullis.dev"
	port := func(name string, number int32) *discoveryv1ac.EndpointPortApplyConfiguration {
		return discoveryv1ac.EndpointPort().WithName(name).WithPort(number).WithProtocol(corev1.ProtocolTCP)
	}
	// An ID may have characters that a name may not, or too many.
	source := sha256.Sum256([]byte(from))
	name := fmt.Sprintf("%s-%x-%s-%d", metricsName(gw), source[:4], map[discoveryv1.AddressType]string{
		discoveryv1.AddressTypeIPv4: "ipv4", discoveryv1.AddressTypeIPv6: "ipv6",
	}[family], number)
	return discoveryv1ac.EndpointSlice(name, gw.Namespace).
		WithLabels(labels).
		WithAddressType(family).
		WithPorts(port(agentPortName, agentPort), port(envoyPortName, envoyPort))
}

// endpointsOf are the pods of one address family in some slices, each once, by address. Pods that are not ready are among
// them, and said to be not: their metrics are the ones that people want.
func endpointsOf(pods []discoveryv1.EndpointSlice, family discoveryv1.AddressType) []*discoveryv1ac.EndpointApplyConfiguration {
	byAddress := map[string]discoveryv1.Endpoint{}
	for _, slice := range pods {
		for _, endpoint := range slice.Endpoints {
			// The addresses of an endpoint all lead to one pod. While a pod moves from one slice to another it is in both.
			if slice.AddressType == family && len(endpoint.Addresses) > 0 {
				byAddress[endpoint.Addresses[0]] = endpoint
			}
		}
	}
	var out []*discoveryv1ac.EndpointApplyConfiguration
	for _, address := range slices.Sorted(maps.Keys(byAddress)) {
		out = append(out, endpointAt(address, byAddress[address]))
	}
	return out
}

// endpointAt is a pod at an address. Its node is nothing that another cluster knows.
func endpointAt(address string, of discoveryv1.Endpoint) *discoveryv1ac.EndpointApplyConfiguration {
	conditions := discoveryv1ac.EndpointConditions()
	conditions.Ready, conditions.Serving, conditions.Terminating = of.Conditions.Ready, of.Conditions.Serving, of.Conditions.Terminating
	out := discoveryv1ac.Endpoint().WithAddresses(address).WithConditions(conditions)
	if pod := of.TargetRef; pod != nil {
		out = out.WithTargetRef(corev1ac.ObjectReference().WithKind(pod.Kind).WithNamespace(pod.Namespace).WithName(pod.Name))
	}
	return out
}

// compareExports orders exports by cluster.
func compareExports(a, b v1beta1.MetricsExport) int {
	return cmp.Compare(a.ClusterID, b.ClusterID)
}
