package audit

import (
	"context"
	"encoding/json"
	"maps"
	"os"
	"slices"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"sigs.k8s.io/yaml"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/api/v1alpha1"
	"portcullis.dev/portcullis/pkg/policy"
	"portcullis.dev/portcullis/pkg/review"
	"portcullis.dev/portcullis/policies"
)

// rules are compiled once for all tests: an engine never changes.
var rules = sync.OnceValues(func() (*policy.Engine, error) {
	return policy.New(context.Background(), policies.FS, policy.Options{Deadline: time.Minute})
})

// reviewer decides with the built-in rules and some registered clusters.
func reviewer(t testing.TB, registered ...v1alpha1.GatewayCluster) *review.Reviewer {
	t.Helper()
	engine, err := rules()
	if err != nil {
		t.Fatal(err)
	}
	return &review.Reviewer{
		Engine:    func() *policy.Engine { return engine },
		Clusters:  func(context.Context) ([]v1alpha1.GatewayCluster, error) { return registered, nil },
		Approvals: func(context.Context, string, string) ([]v1alpha1.ChangeApproval, error) { return nil, nil },
		Gateways:  func(context.Context) ([]v1beta1.IstioGateway, error) { return nil, nil },
		Gateway:   func(context.Context, string, string) (*v1beta1.IstioGateway, error) { return nil, nil },
		Now:       func() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) },
	}
}

// cluster is a registered cluster of a mesh version.
func cluster(name, version string) v1alpha1.GatewayCluster {
	out := v1alpha1.GatewayCluster{}
	out.Name = name
	out.Spec.Mesh = &v1alpha1.MeshProfile{Version: version}
	return out
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

// audited is what an audit finds.
func audited(t testing.TB, r *review.Reviewer, gateway map[string]any) []Finding {
	t.Helper()
	result, err := Auditor{Reviewer: r}.Audit(t.Context(), gateway)
	if err != nil {
		t.Fatal(err)
	}
	return result.Findings
}

// typed is a gateway as a cache of types holds it.
func typed(t testing.TB, gateway map[string]any) *v1beta1.IstioGateway {
	t.Helper()
	text, err := json.Marshal(gateway)
	if err != nil {
		t.Fatal(err)
	}
	out := &v1beta1.IstioGateway{}
	if err := json.Unmarshal(text, out); err != nil {
		t.Fatal(err)
	}
	return out
}

// sinners are the gateways of policies/testdata/sins.yaml that deserve a refusal alone, with the rule and field of it, and
// the clusters that they may name.
func sinners(t testing.TB) (map[string]sinner, []v1alpha1.GatewayCluster) {
	t.Helper()
	text, err := os.ReadFile("../../policies/testdata/sins.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var table struct {
		Clusters map[string]struct {
			Mesh    string
			Managed bool
			Facts   v1alpha1.ClusterFacts
		}
		Sins map[string]struct {
			Sin                 string
			Metadata, Spec, Old map[string]any
			Beside              map[string]any
		}
	}
	if err := yaml.Unmarshal(text, &table); err != nil {
		t.Fatal(err)
	}
	out := map[string]sinner{}
	for name, sin := range table.Sins {
		if sin.Old != nil || sin.Beside != nil {
			continue // What no gateway alone is.
		}
		gateway := gatewayOf(t, "{}")
		maps.Copy(gateway["metadata"].(map[string]any), sin.Metadata)
		gateway["spec"] = sin.Spec
		out[name] = sinner{gateway: gateway, sin: sin.Sin}
	}
	var registered []v1alpha1.GatewayCluster
	for _, name := range slices.Sorted(maps.Keys(table.Clusters)) {
		in := table.Clusters[name]
		known := cluster(name, in.Mesh)
		known.Spec.Managed, known.Spec.Facts = &in.Managed, &in.Facts
		registered = append(registered, known)
	}
	return out, registered
}

// sinner is a gateway, and the rule and the field for which it is refused.
type sinner struct {
	gateway map[string]any
	sin     string
}

// policiesWith is a library of one rule, which says what a document of it says.
func policiesWith(t testing.TB, said string) fstest.MapFS {
	t.Helper()
	main, err := policies.FS.ReadFile("main/main.rego")
	if err != nil {
		t.Fatal(err)
	}
	return fstest.MapFS{
		"main/main.rego": {Data: main},
		"validate/told/told.rego": {Data: []byte("# METADATA\n# title: Told\n# description: It says what it is told.\npackage validate.told\n\n" +
			`deny contains {"code": "told", "field": "spec", "message": said, "fix": ""}` + "\n\n" + said + "\n")},
	}
}

// told is what a collector tells, by metric and the values of its labels.
func told(t testing.TB, from prometheus.Collector) map[string]float64 {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	if err := registry.Register(from); err != nil {
		t.Fatal(err)
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]float64{}
	for _, family := range families {
		for _, sample := range family.GetMetric() {
			name := family.GetName()
			for _, label := range sample.GetLabel() {
				name += " " + label.GetValue()
			}
			out[name] = sample.GetGauge().GetValue() + sample.GetCounter().GetValue()
		}
	}
	return out
}
