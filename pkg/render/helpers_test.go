package render

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/api/v1alpha1"
	"portcullis.dev/portcullis/pkg/gateway"
)

const (
	// clusterID is the cluster that gateways of tests are placed in unless they say otherwise.
	clusterID = "c8a4b2e19d04"
	// uid is the UID of the gateways of tests.
	uid = "5a1c0f4e-0d6c-4b6e-9a53-1f2b7c9d8e10"
)

// input is one gateway and the cluster that it is placed in.
type input struct {
	gateway v1beta1.IstioGateway
	cluster v1alpha1.GatewayCluster
}

// place is the gateway in the cluster.
func (in *input) place() gateway.Placed {
	return gateway.Place(&in.gateway, &in.cluster)
}

// inputOf is a gateway whose spec is written as YAML, in a cluster that says nothing of itself.
func inputOf(t testing.TB, spec string) *input {
	t.Helper()
	in := &input{}
	in.gateway.Name, in.gateway.Namespace, in.gateway.UID = "edge", "istio-system", uid
	in.cluster.Name = clusterID
	if err := yaml.UnmarshalStrict([]byte(spec), &in.gateway.Spec); err != nil {
		t.Fatalf("reading the spec: %v", err)
	}
	return in
}

// readInput reads a gateway, and the cluster if there is one, from a file.
func readInput(t testing.TB, path string) *input {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	in := &input{}
	in.cluster.Name = clusterID
	into := []any{&in.gateway, &in.cluster}
	for i, document := range strings.Split(string(raw), "\n---\n") {
		if err := yaml.UnmarshalStrict([]byte(document), into[i]); err != nil {
			t.Fatalf("reading %s: %v", path, err)
		}
	}
	return in
}

// cases lists the inputs under testdata, by their names.
func cases(t testing.TB) map[string]*input {
	t.Helper()
	paths, err := filepath.Glob("testdata/*.in.yaml")
	if err != nil || len(paths) == 0 {
		t.Fatalf("finding inputs: %v, %d found", err, len(paths))
	}
	out := map[string]*input{}
	for _, path := range paths {
		out[strings.TrimSuffix(filepath.Base(path), ".in.yaml")] = readInput(t, path)
	}
	return out
}

// rendered is what a gateway is made of.
func rendered(t testing.TB, in *input) Objects {
	t.Helper()
	objects, err := Render(in.place())
	if err != nil {
		t.Fatalf("rendering: %v", err)
	}
	return objects
}

// asYAML writes objects in the order of their application.
func asYAML(t testing.TB, objects Objects) []byte {
	t.Helper()
	var out bytes.Buffer
	for i, object := range objects.List() {
		raw, err := yaml.Marshal(object)
		if err != nil {
			t.Fatalf("writing %s: %v", *object.GetKind(), err)
		}
		if i > 0 {
			out.WriteString("---\n")
		}
		out.Write(raw)
	}
	return out.Bytes()
}

// asJSON writes a value as it goes over the wire.
func asJSON(t testing.TB, value any) string {
	t.Helper()
	raw, err := json.Marshal(value)
	if err != nil {
		t.Fatalf("writing %T: %v", value, err)
	}
	return string(raw)
}

// all writes all objects as one line each.
func all(t testing.TB, objects Objects) string {
	t.Helper()
	var lines []string
	for _, object := range objects.List() {
		lines = append(lines, asJSON(t, object))
	}
	return strings.Join(lines, "\n")
}

// hash is the hash of the pod template.
func hash(t testing.TB, objects Objects) string {
	t.Helper()
	sum, err := objects.TemplateHash()
	if err != nil {
		t.Fatalf("hashing: %v", err)
	}
	return sum
}

// at is the value at a path of keys and indices in what a value looks like on the wire; nil when there is
// none.
func at(t testing.TB, value any, path ...any) any {
	t.Helper()
	var out any
	if err := json.Unmarshal([]byte(asJSON(t, value)), &out); err != nil {
		t.Fatal(err)
	}
	for _, step := range path {
		switch step := step.(type) {
		case string:
			object, _ := out.(map[string]any)
			out = object[step]
		case int:
			list, _ := out.([]any)
			if step >= len(list) {
				return nil
			}
			out = list[step]
		}
	}
	return out
}

// expectAt checks the value at a path, as JSON text; null when there must be none.
func expectAt(t testing.TB, value any, want string, path ...any) {
	t.Helper()
	if got := asJSON(t, at(t, value, path...)); got != want {
		t.Errorf("%v: got %s, want %s", path, got, want)
	}
}

// pod is the path of the pod in a Deployment, with what follows.
func pod(path ...any) []any {
	return append([]any{"spec", "template", "spec"}, path...)
}

// proxy is the path of the proxy's container in a Deployment, with what follows.
func proxy(path ...any) []any {
	return append(pod("containers", 0), path...)
}

// meshOf is a mesh of a version, of which nothing else is said.
func meshOf(version string) *v1alpha1.MeshProfile {
	return &v1alpha1.MeshProfile{Version: version}
}
