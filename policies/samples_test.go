package policies_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/yaml"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/api/v1alpha1"
	"portcullis.dev/portcullis/pkg/gateway"
	"portcullis.dev/portcullis/pkg/policy"
	"portcullis.dev/portcullis/pkg/review"
	"portcullis.dev/portcullis/policies"
)

var update = flag.Bool("update", false, "write what comes out as what is wanted")

// registered are the clusters of all samples.
var registered = []v1alpha1.GatewayCluster{
	cluster("c1", "1.26.0.1", v1alpha1.ClusterFacts{KubernetesVersion: "v1.36.3", KernelVersions: []string{"5.10.134-16.al8.x86_64"}, VirtualNodes: v1alpha1.VirtualNodesSome}),
	cluster("c2", "1.26.0.1", v1alpha1.ClusterFacts{KubernetesVersion: "v1.36.3", VirtualNodes: v1alpha1.VirtualNodesNone}),
	cluster("old", "1.15.3.120", v1alpha1.ClusterFacts{KubernetesVersion: "v1.20.11", KernelVersions: []string{"3.10.0-1160.el7.x86_64"}}),
	cluster("lost", "1.26.0.1", v1alpha1.ClusterFacts{}),
	cluster("serverless", "1.26.0.1", v1alpha1.ClusterFacts{VirtualNodes: v1alpha1.VirtualNodesAll}),
}

func cluster(name, mesh string, facts v1alpha1.ClusterFacts) v1alpha1.GatewayCluster {
	out := v1alpha1.GatewayCluster{}
	out.Name = name
	out.Spec.Mesh = &v1alpha1.MeshProfile{Version: mesh}
	out.Spec.Facts = &facts
	return out
}

// input is what a webhook asks for the creation of a gateway.
func input(t *testing.T, object map[string]any) policy.Input {
	t.Helper()
	return inputAmong(t, object, registered)
}

// inputAmong is the same with other registered clusters.
func inputAmong(t *testing.T, object map[string]any, registered []v1alpha1.GatewayCluster) policy.Input {
	t.Helper()
	text, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	typed := &v1beta1.IstioGateway{}
	if err := json.Unmarshal(text, typed); err != nil {
		t.Fatal(err)
	}
	in := policy.Input{
		Request:  policy.Request{Operation: "CREATE", Name: typed.Name, Namespace: typed.Namespace},
		Gateway:  object,
		Clusters: map[string]policy.Cluster{},
		Mesh:     policy.Mesh{Version: "1.26.0.1"},
		Now:      "2026-11-21T06:00:00Z",
	}
	if asked := review.NewLoadBalancers(typed); asked != nil {
		in.LoadBalancers = asked
	}
	for _, id := range append(gateway.Clusters(typed, registered), typed.Annotations[gateway.AnnotationExportMetrics]) {
		in.Clusters[id] = policy.Cluster{}
	}
	for _, known := range registered {
		if _, concerned := in.Clusters[known.Name]; !concerned {
			continue
		}
		placed := gateway.Place(typed, &known)
		in.Clusters[known.Name] = policy.Cluster{
			Registered: true, Reachable: known.Name != "lost", Managed: known.Spec.Managed != nil && *known.Spec.Managed,
			Facts: placed.Facts, Effective: placed.Spec, Mesh: policy.Mesh{Version: placed.Mesh.Version, PrivilegedInit: placed.Mesh.PrivilegedInit},
		}
		if gateway.CompareVersions(placed.Mesh.Version, in.Mesh.Version) < 0 {
			in.Mesh.Version = placed.Mesh.Version
		}
	}
	return in
}

// decide fills a gateway in and judges what comes of it.
func decide(t *testing.T, engine *policy.Engine, object map[string]any) (map[string]any, policy.Verdict) {
	t.Helper()
	mutation, err := engine.Mutate(t.Context(), input(t, object))
	if err != nil {
		t.Fatal(err)
	}
	filled, err := mutation.Apply(object)
	if err != nil {
		t.Fatal(err)
	}
	verdict, err := engine.Validate(t.Context(), input(t, filled))
	if err != nil {
		t.Fatal(err)
	}
	return filled, verdict
}

// newEngine compiles the rules.
func newEngine(t *testing.T) *policy.Engine {
	t.Helper()
	// A loaded machine is no reason to fail: what is tested here is not the time.
	engine, err := policy.New(t.Context(), policies.FS, policy.Options{Deadline: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	return engine
}

// eachSample runs a test for each gateway in a folder of samples, and names it.
func eachSample(t *testing.T, folder string, test func(t *testing.T, object map[string]any, name string)) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", folder, "*.in.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatal("there are no samples", err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(file, ".in.yaml")
		t.Run(filepath.Base(name), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var object map[string]any
			if err := yaml.Unmarshal(text, &object); err != nil {
				t.Fatal(err)
			}
			test(t, object, name)
		})
	}
}

// said is a verdict as people read it, a line for each finding.
func said(verdict policy.Verdict) string {
	var out strings.Builder
	for _, denial := range verdict.Denials {
		fmt.Fprintln(&out, "denied:", denial)
	}
	for _, warning := range verdict.Warnings {
		fmt.Fprintln(&out, "warned:", warning)
	}
	return out.String()
}

// expectGolden fails unless a file holds a text.
func expectGolden(t *testing.T, got, file string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestSamplesAreAccepted holds the rules to what ASM documents and its console writes: a rule that refuses one of
// these is wrong.
func TestSamplesAreAccepted(t *testing.T) {
	engine := newEngine(t)
	eachSample(t, "accepted", func(t *testing.T, object map[string]any, name string) {
		filled, verdict := decide(t, engine, object)
		if len(verdict.Denials) > 0 {
			t.Errorf("refused: %v", verdict.Denials)
		}
		text, err := yaml.Marshal(filled)
		if err != nil {
			t.Fatal(err)
		}
		expectGolden(t, string(text), name+".out.yaml")
		expectGolden(t, said(verdict), name+".out.txt")
	})
}

func TestRefusalsInWords(t *testing.T) {
	engine := newEngine(t)
	eachSample(t, "refused", func(t *testing.T, object map[string]any, name string) {
		_, verdict := decide(t, engine, object)
		if len(verdict.Denials) == 0 {
			t.Error("accepted")
		}
		expectGolden(t, said(verdict), name+".out.txt")
	})
}

func TestMutationOfAMutatedGatewayChangesNothing(t *testing.T) {
	engine := newEngine(t)
	for _, folder := range []string{"accepted", "refused"} {
		eachSample(t, folder, func(t *testing.T, object map[string]any, _ string) {
			once, _ := decide(t, engine, object)
			twice, _ := decide(t, engine, once)
			if !reflect.DeepEqual(once, twice) {
				t.Errorf("got\n%v\nwant\n%v", twice, once)
			}
		})
	}
}

// TestNoFieldIsNeededToDecide drops each field, at any depth, of the object and of what is known of the clusters:
// whatever is absent, the rules decide, and the decision is no error.
func TestNoFieldIsNeededToDecide(t *testing.T) {
	engine := newEngine(t)
	for _, folder := range []string{"accepted", "refused"} {
		eachSample(t, folder, func(t *testing.T, object map[string]any, _ string) {
			filled, _ := decide(t, engine, object)
			in := input(t, filled)
			clusters := plain(t, in.Clusters)
			for _, less := range without(plain(t, in.Gateway)) {
				in.Gateway = less
				expectDecision(t, engine, in)
			}
			in.Gateway = filled
			for _, less := range without(clusters) {
				in.Clusters = clustersOf(less.(map[string]any))
				expectDecision(t, engine, in)
			}
		})
	}
}

// TestNothingKnownIsNoConsent refuses a gateway that is accepted as soon as nothing is known of its clusters.
func TestNothingKnownIsNoConsent(t *testing.T) {
	engine := newEngine(t)
	eachSample(t, "accepted", func(t *testing.T, object map[string]any, _ string) {
		in := input(t, object)
		in.Clusters, in.Mesh = nil, policy.Mesh{}
		verdict, err := engine.Validate(t.Context(), in)
		if err != nil || len(verdict.Denials) == 0 {
			t.Errorf("got %v and %v, want a refusal", verdict, err)
		}
	})
}

// expectDecision fails when the rules cannot decide.
func expectDecision(t *testing.T, engine *policy.Engine, in policy.Input) {
	t.Helper()
	if _, err := engine.Validate(t.Context(), in); err != nil {
		t.Errorf("validating %v: %v", in.Gateway, err)
	}
	mutation, err := engine.Mutate(t.Context(), in)
	if err != nil {
		t.Errorf("mutating %v: %v", in.Gateway, err)
	}
	if _, err := mutation.Apply(in.Gateway.(map[string]any)); err != nil {
		t.Errorf("filling in %v: %v", in.Gateway, err)
	}
}

// plain is a value with the types of JSON.
func plain(t *testing.T, value any) any {
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

// clustersOf reads clusters as plain writes them, with the names of Go.
func clustersOf(in map[string]any) map[string]policy.Cluster {
	out := map[string]policy.Cluster{}
	for id, value := range in {
		fields, _ := value.(map[string]any)
		mesh, _ := fields["Mesh"].(map[string]any)
		version, _ := mesh["Version"].(string)
		out[id] = policy.Cluster{
			Registered: fields["Registered"] == true, Reachable: fields["Reachable"] == true, Managed: fields["Managed"] == true,
			Facts: fields["Facts"], Effective: fields["Effective"], Mesh: policy.Mesh{Version: version},
		}
	}
	return out
}

// without are all values that are one field or one item, at any depth, short of a value.
func without(value any) []any {
	var out []any
	switch value := value.(type) {
	case map[string]any:
		for key, inside := range value {
			out = append(out, replaced(value, key))
			for _, less := range without(inside) {
				out = append(out, replaced(value, key, less))
			}
		}
	case []any:
		for i, inside := range value {
			out = append(out, slices.Concat(value[:i], value[i+1:]))
			for _, less := range without(inside) {
				out = append(out, slices.Concat(value[:i], []any{less}, value[i+1:]))
			}
		}
	}
	return out
}

// replaced is an object with another value for a key, or with none.
func replaced(object map[string]any, key string, by ...any) map[string]any {
	out := map[string]any{}
	for other, value := range object {
		if other != key {
			out[other] = value
		}
	}
	if len(by) > 0 {
		out[key] = by[0]
	}
	return out
}
