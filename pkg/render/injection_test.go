package render

import (
	"testing"

	"portcullis.dev/portcullis/pkg/api/v1alpha1"
)

// injected is a gateway of a spec where the injector completes the pods.
func injected(t *testing.T, spec string, change func(*v1alpha1.MeshProfile)) *input {
	t.Helper()
	in := inputOf(t, spec)
	in.cluster.Spec.Mesh = &v1alpha1.MeshProfile{Injection: true}
	if change != nil {
		change(in.cluster.Spec.Mesh)
	}
	return in
}

func TestInjectedPodsChangeWithNothingThatTheInjectorBrings(t *testing.T) {
	want := hash(t, rendered(t, injected(t, `{}`, nil)))
	for name, change := range map[string]func(*v1alpha1.MeshProfile){
		"image":          func(mesh *v1alpha1.MeshProfile) { mesh.ProxyImage = "registry.example.com/proxyv2:1" },
		"authority":      func(mesh *v1alpha1.MeshProfile) { mesh.CAAddress = "ca.example.com:15012" },
		"trust domain":   func(mesh *v1alpha1.MeshProfile) { mesh.TrustDomain = "example.com" },
		"cluster domain": func(mesh *v1alpha1.MeshProfile) { mesh.ClusterDomain = "example.com" },
		"mesh":           func(mesh *v1alpha1.MeshProfile) { mesh.MeshID = "other" },
		"network":        func(mesh *v1alpha1.MeshProfile) { mesh.Network = "other" },
		"metadata":       func(mesh *v1alpha1.MeshProfile) { mesh.ProxyMetadata = map[string]string{"A": "b"} },
		"version":        func(mesh *v1alpha1.MeshProfile) { mesh.Version = "1.25.0" },
	} {
		if got := hash(t, rendered(t, injected(t, `{}`, change))); got != want {
			t.Errorf("%s changes the pod template", name)
		}
	}
}

func TestInjectedPodsAreFoundByTheInjectorOfTheirRevision(t *testing.T) {
	for revision, want := range map[string]string{"": "null", "default": "null", "blue": `"blue"`} {
		in := injected(t, `{}`, func(mesh *v1alpha1.MeshProfile) { mesh.Revision = revision })
		labels := at(t, rendered(t, in).Deployment, "spec", "template", "metadata", "labels")
		expectAt(t, labels, want, "istio.io/rev")
		expectAt(t, labels, `"true"`, "sidecar.istio.io/inject")
	}
}

func TestInjectedPodsKeepWhatTheGatewayAsksFor(t *testing.T) {
	deployment := rendered(t, injected(t, `{env: [{name: A, value: b}], readinessProbe: {periodSeconds: 5}, runAsRoot: true, hostNetwork: true}`, nil)).Deployment
	expectAt(t, deployment, `[{"name":"A","value":"b"}]`, proxy("env")...)
	expectAt(t, deployment, `5`, proxy("readinessProbe", "periodSeconds")...)
	expectAt(t, deployment, `0`, proxy("securityContext", "runAsUser")...)
	expectAt(t, deployment, `true`, pod("hostNetwork")...)
}
