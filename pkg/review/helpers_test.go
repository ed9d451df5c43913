package review

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	admissionv1 "k8s.io/api/admission/v1"
	"sigs.k8s.io/yaml"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/api/v1alpha1"
	"portcullis.dev/portcullis/pkg/policy"
	"portcullis.dev/portcullis/policies"
)

// rules are compiled once for all tests: an engine never changes.
var rules = sync.OnceValues(func() (*policy.Engine, error) {
	return policy.New(context.Background(), policies.FS, policy.Options{Deadline: time.Minute})
})

// engine is the engine with the built-in rules.
func engine(t testing.TB) *policy.Engine {
	t.Helper()
	engine, err := rules()
	if err != nil {
		t.Fatal(err)
	}
	return engine
}

// reviewer decides with the built-in rules and some registered clusters.
func reviewer(t testing.TB, registered ...v1alpha1.GatewayCluster) *Reviewer {
	t.Helper()
	return &Reviewer{
		Engine:    func() *policy.Engine { return engine(t) },
		Clusters:  func(context.Context) ([]v1alpha1.GatewayCluster, error) { return registered, nil },
		Approvals: func(context.Context, string, string) ([]v1alpha1.ChangeApproval, error) { return nil, nil },
		Gateways:  func(context.Context) ([]v1beta1.IstioGateway, error) { return nil, nil },
		Gateway:   func(context.Context, string, string) (*v1beta1.IstioGateway, error) { return nil, nil },
		Now:       func() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.FixedZone("CST", 8*60*60)) },
	}
}

// cluster registers a cluster of a current mesh, changed as it is told.
func cluster(name string, change ...func(*v1alpha1.GatewayCluster)) v1alpha1.GatewayCluster {
	out := v1alpha1.GatewayCluster{}
	out.Name = name
	out.Spec.Mesh = &v1alpha1.MeshProfile{Version: "1.26.0.1"}
	for _, change := range change {
		change(&out)
	}
	return out
}

// mesh sets a cluster's mesh version.
func mesh(version string) func(*v1alpha1.GatewayCluster) {
	return func(c *v1alpha1.GatewayCluster) { c.Spec.Mesh = &v1alpha1.MeshProfile{Version: version} }
}

// managed makes a cluster take managed gateways.
func managed(c *v1alpha1.GatewayCluster) {
	c.Spec.Managed = new(true)
}

// facts states what is known of a cluster.
func facts(facts v1alpha1.ClusterFacts) func(*v1alpha1.GatewayCluster) {
	return func(c *v1alpha1.GatewayCluster) { c.Spec.Facts = &facts }
}

// fromYAML reads an object as JSON would hold it.
func fromYAML(t testing.TB, text string) map[string]any {
	t.Helper()
	out := map[string]any{}
	if err := yaml.Unmarshal([]byte(text), &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// gatewayOf is a gateway named edge with a spec in YAML.
func gatewayOf(t testing.TB, spec string) map[string]any {
	t.Helper()
	return fromYAML(t, "{apiVersion: istio.alibabacloud.com/v1beta1, kind: IstioGateway, metadata: {name: edge, namespace: istio-system}, spec: "+spec+"}")
}

// object is a gateway as review takes it.
func object(t *testing.T, raw map[string]any) *Object {
	t.Helper()
	if raw == nil {
		return nil
	}
	text, err := json.Marshal(raw)
	if err != nil {
		t.Fatal(err)
	}
	out, err := NewObject(text)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// request asks to store a gateway over another; nil stands for none.
func request(t *testing.T, gateway, old map[string]any) Request {
	t.Helper()
	out := Request{Operation: admissionv1.Create, Namespace: "istio-system", Name: "edge", Gateway: object(t, gateway), Old: object(t, old)}
	if old != nil {
		out.Operation = admissionv1.Update
	}
	if gateway == nil {
		out.Operation = admissionv1.Delete
	}
	return out
}

// mutated is a gateway with what the rules fill in.
func mutated(t *testing.T, r *Reviewer, gateway, old map[string]any) map[string]any {
	t.Helper()
	filled, err := r.Mutate(t.Context(), request(t, gateway, old))
	if err != nil {
		t.Fatalf("filling in %v: %v", gateway, err)
	}
	return filled
}

// decided goes the API server's way: the gateway is filled in, then judged.
func decided(t *testing.T, r *Reviewer, gateway, old map[string]any) Decision {
	t.Helper()
	if gateway != nil {
		gateway = mutated(t, r, gateway, old)
	}
	decision, err := r.Validate(t.Context(), request(t, gateway, old))
	if err != nil {
		t.Fatalf("judging %v: %v", gateway, err)
	}
	return decision
}

// fieldsOf are where findings are, each with its rule.
func fieldsOf(findings []policy.Finding) []string {
	out := []string{}
	for _, finding := range findings {
		out = append(out, finding.Code+": "+finding.Field)
	}
	return out
}

// sampleClusters are the clusters that the samples name.
func sampleClusters(t *testing.T) []v1alpha1.GatewayCluster {
	t.Helper()
	text, err := os.ReadFile("../../docs/samples/clusters.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var out []v1alpha1.GatewayCluster
	for document := range strings.SplitSeq(string(text), "\n---\n") {
		cluster := v1alpha1.GatewayCluster{}
		if err := yaml.UnmarshalStrict([]byte(document), &cluster); err != nil {
			t.Fatal(err)
		}
		out = append(out, cluster)
	}
	return out
}

// samples are the gateways of the documentation, by file.
func samples(t *testing.T) map[string]map[string]any {
	t.Helper()
	paths, err := filepath.Glob("../../docs/samples/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]map[string]any{}
	for _, path := range paths {
		if filepath.Base(path) == "clusters.yaml" {
			continue
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		out[filepath.Base(path)] = fromYAML(t, string(text))
	}
	if len(out) < 5 {
		t.Fatalf("found %d samples, want at least 5", len(out))
	}
	return out
}

// asJSON is a value with every number as JSON holds it, for comparing.
func asJSON(t *testing.T, value any) any {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	var out any
	if err := json.Unmarshal(text, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// same says whether two values are the same JSON.
func same(t *testing.T, a, b any) bool {
	t.Helper()
	return reflect.DeepEqual(asJSON(t, a), asJSON(t, b))
}
