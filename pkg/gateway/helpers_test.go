package gateway

import (
	"encoding/json"
	"maps"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"sigs.k8s.io/yaml"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/api/v1alpha1"
)

// first and second are two clusters of one mesh.
const (
	first  = "c8a4b2e19d04"
	second = "c9f3e7a51b60"
)

// gatewayOf is a gateway whose spec is written as YAML.
func gatewayOf(t testing.TB, spec string) *v1beta1.IstioGateway {
	t.Helper()
	gw := &v1beta1.IstioGateway{}
	gw.Name, gw.Namespace, gw.UID = "edge", "istio-system", "5a1c0f4e"
	if err := yaml.UnmarshalStrict([]byte(spec), &gw.Spec); err != nil {
		t.Fatalf("reading the spec: %v", err)
	}
	return gw
}

// specOf is a spec that is written as YAML.
func specOf(t *testing.T, spec string) v1beta1.IstioGatewaySpec {
	t.Helper()
	return gatewayOf(t, spec).Spec
}

// clusterOf is a cluster with a mesh of a version.
func clusterOf(id, version string) *v1alpha1.GatewayCluster {
	cluster := &v1alpha1.GatewayCluster{}
	cluster.Name = id
	cluster.Spec.Mesh = &v1alpha1.MeshProfile{Version: version}
	return cluster
}

// effectiveIn is the effective spec of a spec, in the first cluster, with a mesh of a version.
func effectiveIn(t *testing.T, version, spec string) v1beta1.IstioGatewaySpec {
	t.Helper()
	return Place(gatewayOf(t, spec), clusterOf(first, version)).Spec
}

// expectSame compares two values of the API and shows both as JSON when they differ.
func expectSame(t *testing.T, got, want any) {
	t.Helper()
	if !equality.Semantic.DeepEqual(got, want) {
		t.Errorf("got  %s\nwant %s", asJSON(t, got), asJSON(t, want))
	}
}

// asJSON writes a value as it goes over the wire.
func asJSON(t *testing.T, value any) string {
	t.Helper()
	raw, err := json.Marshal(value)
	if err != nil {
		t.Fatalf("writing %T: %v", value, err)
	}
	return string(raw)
}

// portsJSON is a short writing of ports: protocol, name, port and target.
func portsJSON(t *testing.T, ports []corev1.ServicePort) string {
	t.Helper()
	var out [][]any
	for _, port := range ports {
		out = append(out, []any{port.Protocol, port.Name, port.Port, port.TargetPort})
	}
	return asJSON(t, out)
}

// documentedBut is the documented spec with some keys over its own; null takes a key away.
func documentedBut(t *testing.T, keys string) string {
	t.Helper()
	out := map[string]any{}
	for _, text := range []string{documented, keys} {
		onTop := map[string]any{}
		if err := yaml.Unmarshal([]byte(text), &onTop); err != nil {
			t.Fatalf("reading %s: %v", text, err)
		}
		maps.Copy(out, onTop)
	}
	maps.DeleteFunc(out, func(_ string, value any) bool { return value == nil })
	return asJSON(t, out)
}
