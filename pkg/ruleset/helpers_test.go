package ruleset

import (
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	coordinationv1 "k8s.io/api/coordination/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"portcullis.dev/portcullis/pkg/api/v1alpha1"
	"portcullis.dev/portcullis/pkg/policy"
)

// library is a small library with one rule, which refuses everything in some words.
func library(words string) fs.FS {
	return fstest.MapFS{
		"main/main.rego": {Data: []byte(`package main

mutate := {"fill": [], "ensure": []}

validate := {"deny": {finding | some finding in data.validate.rule.deny} | {finding | some finding in data.own[data.matching[_]].validate[_].deny}, "warn": []}
`)},
		"validate/rule/rule.rego": {Data: []byte(`# METADATA
# scope: package
# title: Rule
# description: Refuses.
package validate.rule

deny contains {"code": "rule", "field": "f", "message": "` + words + `", "fix": ""}
`)},
	}
}

// clock is a clock that tests set.
type clock struct{ now time.Time }

// stage is a ruleset among the objects of an API server.
type stage struct {
	*Ruleset
	t        *testing.T
	api      client.Client
	clock    *clock
	registry *prometheus.Registry
}

// newStage sets one up, with some policies stored.
func newStage(t *testing.T, policies ...*v1alpha1.GatewayPolicy) *stage {
	t.Helper()
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{v1alpha1.AddToScheme, coordinationv1.AddToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	builder := fake.NewClientBuilder().WithScheme(scheme).WithStatusSubresource(&v1alpha1.GatewayPolicy{})
	for _, policy := range policies {
		builder.WithObjects(policy)
	}
	s := &stage{t: t, api: builder.Build(), clock: &clock{time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}, registry: prometheus.NewRegistry()}
	s.Ruleset = s.replica("webhook-1", s.registry)
	return s
}

// replica is a ruleset of a name, as another process would have it.
func (s *stage) replica(name string, registry prometheus.Registerer) *Ruleset {
	s.t.Helper()
	out, err := New(Options{
		Client: s.api, Reader: s.api, Live: new(policy.Live), Library: library("no"),
		Rules:     policy.Options{Deadline: time.Minute},
		Namespace: "istio-system", Replica: name, Now: func() time.Time { return s.clock.now },
	}, registry)
	if err != nil {
		s.t.Fatal(err)
	}
	return out
}

// reconciled reconciles a replica.
func (s *stage) reconciled(of *Ruleset) {
	s.t.Helper()
	if _, err := of.Reconcile(s.t.Context(), reconcile.Request{}); err != nil {
		s.t.Fatal(err)
	}
}

// stored is a policy with its status as it is stored.
func (s *stage) stored(name string) *v1alpha1.GatewayPolicy {
	s.t.Helper()
	out := &v1alpha1.GatewayPolicy{}
	if err := s.api.Get(s.t.Context(), client.ObjectKey{Name: name}, out); err != nil {
		s.t.Fatal(err)
	}
	return out
}

// change changes the spec of a policy, as its author does.
func (s *stage) change(name string, change func(*v1alpha1.GatewayPolicySpec)) {
	s.t.Helper()
	policy := s.stored(name)
	change(&policy.Spec)
	policy.Generation++
	if err := s.api.Update(s.t.Context(), policy); err != nil {
		s.t.Fatal(err)
	}
}

// expectCondition fails unless a policy's condition says something, and of which generation.
func (s *stage) expectCondition(name string, generation int64, want string) {
	s.t.Helper()
	active := meta.FindStatusCondition(s.stored(name).Status.Conditions, v1alpha1.ConditionActive)
	if active == nil {
		s.t.Errorf("%s has no condition, want %s", name, want)
		return
	}
	if got := string(active.Status) + " " + active.Reason + " " + active.Message; got != want || active.ObservedGeneration != generation {
		s.t.Errorf("%s says %s of generation %d, want %s of generation %d", name, got, active.ObservedGeneration, want, generation)
	}
}

// said is what a ruleset's live rules refuse, each in a line.
func said(t *testing.T, of *Ruleset) string {
	t.Helper()
	engine := of.Live.Engine()
	if engine == nil {
		return "nothing decides"
	}
	verdict, err := engine.Validate(t.Context(), policy.Input{
		Request: policy.Request{Operation: "CREATE", Namespace: "istio-system"},
		Gateway: map[string]any{"metadata": map[string]any{}},
	})
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, denial := range verdict.Denials {
		lines = append(lines, denial.Message)
	}
	return strings.Join(lines, ", ")
}

// gatewayPolicy is a policy, with a rule of its own that refuses everything in its own words.
func gatewayPolicy(name, words string) *v1alpha1.GatewayPolicy {
	out := &v1alpha1.GatewayPolicy{ObjectMeta: metav1.ObjectMeta{Name: name, UID: types.UID("uid-" + name), Generation: 1}}
	out.Spec.Modules = map[string]string{"a.rego": own(name, words)}
	return out
}

// own is a module that refuses everything in its own words.
func own(name, words string) string {
	return `# METADATA
# scope: package
# title: Own
# description: Refuses.
package own.` + strings.ReplaceAll(name, "-", "_") + `.validate.own_` + strings.ReplaceAll(name, "-", "_") + `

deny contains {"code": "own", "field": "f", "message": "` + words + `", "fix": ""}
`
}

// counted is how many reloads had a result.
func (s *stage) counted(result string) float64 {
	s.t.Helper()
	families, err := s.registry.Gather()
	if err != nil {
		s.t.Fatal(err)
	}
	for _, family := range families {
		for _, metric := range family.GetMetric() {
			if family.GetName() == "portcullis_rules_reloads_total" && metric.GetLabel()[0].GetValue() == result {
				return metric.GetCounter().GetValue()
			}
		}
	}
	return -1
}
