package reconcile

import (
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/gateway"
)

// sliceOf holds pods of one family, each by its address, with its name and whether it is ready.
func sliceOf(family discoveryv1.AddressType, addresses ...string) discoveryv1.EndpointSlice {
	out := discoveryv1.EndpointSlice{AddressType: family}
	for _, address := range addresses {
		out.Endpoints = append(out.Endpoints, discoveryv1.Endpoint{
			Addresses:  []string{address},
			Conditions: discoveryv1.EndpointConditions{Ready: new(false), Terminating: new(true)},
			NodeName:   new("node-a"),
			TargetRef:  &corev1.ObjectReference{Kind: "Pod", Namespace: "istio-system", Name: "pod-" + address},
		})
	}
	return out
}

func TestAnExportHoldsEachPodOnceInSlicesOfAHundred(t *testing.T) {
	var addresses []string
	for i := range 250 {
		addresses = append(addresses, fmt.Sprintf("10.0.%d.%d", i/100, i%100))
	}
	pods := []discoveryv1.EndpointSlice{
		sliceOf(discoveryv1.AddressTypeIPv4, addresses[120:]...),
		sliceOf(discoveryv1.AddressTypeIPv4, addresses[:130]...),
		sliceOf(discoveryv1.AddressTypeIPv6, "fd00::1", "fd00::2"),
		sliceOf(discoveryv1.AddressTypeFQDN, "pod.example.com"),
	}
	var sizes []int
	seen := map[string]bool{}
	for _, slice := range metricsSlices(gatewayOf(t, `{}`), "c1", pods) {
		sizes = append(sizes, len(slice.Endpoints))
		seen[*slice.Name] = true
	}
	expectEqual(t, "endpoints in the slices", sizes, []int{100, 100, 50, 2})
	expectEqual(t, "names", len(seen), 4)
	expectEqual(t, "slices without a pod", len(metricsSlices(gatewayOf(t, `{}`), "c1", nil)), 0)
}

func TestAnExportTellsThePodAndNothingThatAnotherClusterDoesNotKnow(t *testing.T) {
	slices := metricsSlices(gatewayOf(t, `{}`), "c1", []discoveryv1.EndpointSlice{sliceOf(discoveryv1.AddressTypeIPv4, "10.0.0.1")})
	endpoint := slices[0].Endpoints[0]
	expectEqual(t, "name of the pod", *endpoint.TargetRef.Name, "pod-10.0.0.1")
	expectEqual(t, "is ready", *endpoint.Conditions.Ready, false)
	expectEqual(t, "is terminating", *endpoint.Conditions.Terminating, true)
	expectEqual(t, "node", endpoint.NodeName, (*string)(nil))
	expectEqual(t, "cluster", slices[0].Labels[labelExportedFrom], "c1")
	other := metricsSlices(gatewayOf(t, `{}`), "c2", []discoveryv1.EndpointSlice{sliceOf(discoveryv1.AddressTypeIPv4, "10.0.0.1")})
	expectEqual(t, "same name for another cluster's", *slices[0].Name == *other[0].Name, false)
}

func TestAnExportIsNoPartOfWhatAGatewayIsMadeOf(t *testing.T) {
	labels := metricsService(gatewayOf(t, `{}`)).Labels
	_, found := labels["portcullis.dev/cluster"]
	expectEqual(t, "is found as one of its objects", found, false)
	expectEqual(t, "its gateway", labels["portcullis.dev/gateway"], "edge")
}

func TestEntriesOfExports(t *testing.T) {
	exported := func(id string, state v1beta1.ClusterState) v1beta1.MetricsExport {
		return v1beta1.MetricsExport{ClusterID: id, State: state}
	}
	to := func(id string, stored ...v1beta1.MetricsExport) *v1beta1.IstioGateway {
		gw := annotated(gatewayOf(t, `{}`), gateway.AnnotationExportMetrics, id)
		gw.Status.Exports = stored
		return gw
	}
	for name, test := range map[string]struct {
		gw       *v1beta1.IstioGateway
		reported map[string]export
		want     []v1beta1.MetricsExport
	}{
		"none is asked for": {gw: to("")},
		"one is to come":    {gw: to("c2"), want: []v1beta1.MetricsExport{exported("c2", v1beta1.ClusterPending)}},
		"one is reported": {gw: to("c2", exported("c2", v1beta1.ClusterPending)), reported: map[string]export{"c2": {entry: exported("c2", v1beta1.ClusterApplied)}},
			want: []v1beta1.MetricsExport{exported("c2", v1beta1.ClusterApplied)}},
		"another cluster is named": {gw: to("c1", exported("c2", v1beta1.ClusterApplied)),
			want: []v1beta1.MetricsExport{exported("c1", v1beta1.ClusterPending), exported("c2", v1beta1.ClusterApplied)}},
		"the one before is gone": {gw: to("c1", exported("c2", v1beta1.ClusterApplied)), reported: map[string]export{"c2": {gone: true}},
			want: []v1beta1.MetricsExport{exported("c1", v1beta1.ClusterPending)}},
		"it was gone and is named again": {gw: to("c2", exported("c2", v1beta1.ClusterDeleting)), reported: map[string]export{"c2": {gone: true}},
			want: []v1beta1.MetricsExport{exported("c2", v1beta1.ClusterDeleting)}},
		"the gateway is deleted": {gw: deleted(to("c2", exported("c2", v1beta1.ClusterApplied))),
			want: []v1beta1.MetricsExport{exported("c2", v1beta1.ClusterApplied)}},
	} {
		t.Run(name, func(t *testing.T) {
			expectEqual(t, "entries", exportEntries(test.gw, test.reported), test.want)
		})
	}
}

func TestADeletedGatewayStaysWhileItsMetricsAreLeft(t *testing.T) {
	leaving := deleted(gatewayOf(t, `{clusterIds: [home]}`))
	leaving.Status.Exports = []v1beta1.MetricsExport{{ClusterID: "away", State: v1beta1.ClusterFailed, Message: "not connected"}}
	server := serverFor(t, leaving)
	worker := &gateways{client: server, outcomes: outcomesHeld(), approvals: approvalsOn(server)}
	expectError(t, pass(t, worker, server), "")
	expectEqual(t, "finalizers", storedGateway(t, server).Finalizers, []string{Finalizer})
	expectEqual(t, "message", storedGateway(t, server).Status.ErrorMessage, "Metrics in cluster away: not connected")
}
