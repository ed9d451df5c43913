package review

import (
	"slices"
	"testing"
	"time"

	admissionv1 "k8s.io/api/admission/v1"
	"k8s.io/apimachinery/pkg/labels"

	"portcullis.dev/portcullis/pkg/policy"
	"portcullis.dev/portcullis/policies"
)

// underPolicies decides with policies: prod allows no host network, lax lets in any namespace, and both match labels.
func underPolicies(t *testing.T) *Reviewer {
	t.Helper()
	out := reviewer(t, cluster("c1"))
	selects := func(value string) policy.Match {
		return policy.Match{Labels: labels.SelectorFromSet(labels.Set{"env": value})}
	}
	engine, err := policy.New(t.Context(), policies.FS, policy.Options{Deadline: time.Minute, Policies: []policy.Policy{
		{Name: "lax", Match: selects("dev"), Enforcements: map[string]policy.Enforcement{"namespace": policy.Audit}},
		{Name: "prod", Match: selects("prod"), Modules: map[string]string{"a.rego": `# METADATA
# scope: package
# title: Class
# description: Classes of load balancers cost.
package own.prod.validate.class

deny contains {"field": "spec.dnsPolicy", "message": "must be ClusterFirst", "fix": ""} if input.gateway.spec.dnsPolicy != "ClusterFirst"
`}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	out.Engine = func() *policy.Engine { return engine }
	return out
}

// labelledGateway is a gateway of an environment with a DNS policy.
func labelledGateway(t *testing.T, env, namespace, dnsPolicy string) *Object {
	t.Helper()
	object, err := NewObject([]byte(`{"apiVersion": "istio.alibabacloud.com/v1beta1", "kind": "IstioGateway",
		"metadata": {"name": "edge", "namespace": "` + namespace + `", "labels": {"env": "` + env + `"}},
		"spec": {"clusterIds": ["c1"], "dnsPolicy": "` + dnsPolicy + `"}}`))
	if err != nil {
		t.Fatal(err)
	}
	return object
}

func TestPoliciesJudgeTheChange(t *testing.T) {
	r := underPolicies(t)
	platform := policy.User{Groups: []string{"system:masters"}}
	type gateway struct{ env, namespace, dnsPolicy string }
	tests := []struct {
		name     string
		old, now gateway
		user     policy.User
		denied   []string
		warned   []string
	}{
		{name: "an old sin against an own rule is a warning", old: gateway{"prod", "istio-system", "Default"}, now: gateway{"prod", "istio-system", "Default"}, warned: []string{"class"}},
		{name: "a new sin against an own rule is refused", old: gateway{"prod", "istio-system", "ClusterFirst"}, now: gateway{"prod", "istio-system", "Default"}, denied: []string{"class"}},
		{name: "what no policy refused before is no old sin under one that does", old: gateway{"", "istio-system", "Default"}, now: gateway{"prod", "istio-system", "Default"}, user: platform, denied: []string{"class"}},
		{name: "what a policy only recorded is no old sin where it is refused", old: gateway{"dev", "elsewhere", "ClusterFirst"}, now: gateway{"", "elsewhere", "ClusterFirst"}, user: platform, denied: []string{"namespace"}},
		{name: "an old sin under the stored labels is a warning when they change", old: gateway{"prod", "istio-system", "Default"}, now: gateway{"", "istio-system", "Default"}, user: platform, warned: []string{"class"}},
		{name: "a new sin under the stored labels is refused when they change", old: gateway{"prod", "istio-system", "ClusterFirst"}, now: gateway{"dev", "istio-system", "Default"}, user: platform, denied: []string{"class"}},
		{name: "labels that change which policies match are the platform team's", old: gateway{"prod", "istio-system", "ClusterFirst"}, now: gateway{"other", "istio-system", "ClusterFirst"}, denied: []string{"policy_labels"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			asked := Request{
				Operation: admissionv1.Update, Namespace: test.now.namespace, Name: "edge", User: test.user,
				Gateway: labelledGateway(t, test.now.env, test.now.namespace, test.now.dnsPolicy),
				Old:     labelledGateway(t, test.old.env, test.old.namespace, test.old.dnsPolicy),
			}
			filled, err := r.Mutate(t.Context(), asked)
			if err != nil {
				t.Fatal(err)
			}
			asked.Gateway = object(t, filled)
			decision, err := r.Validate(t.Context(), asked)
			if err != nil {
				t.Fatal(err)
			}
			if got := foundBy(decision.Denials); !slices.Equal(got, test.denied) {
				t.Errorf("denied are %v, want %v", got, test.denied)
			}
			for _, code := range test.warned {
				if !slices.Contains(foundBy(decision.Warnings), code) {
					t.Errorf("warned of %v, want %v", foundBy(decision.Warnings), test.warned)
				}
			}
		})
	}
}

// foundBy are the rules behind findings, but not those that want an approval of what restarts pods: this is not about them.
func foundBy(findings []policy.Finding) []string {
	var out []string
	for _, finding := range findings {
		if finding.Code != "restart_approval" && finding.Code != "address_approval" {
			out = append(out, finding.Code)
		}
	}
	return out
}

func TestNothingIsDecidedWithoutRules(t *testing.T) {
	r := reviewer(t)
	r.Engine = func() *policy.Engine { return nil }
	request := Request{Operation: admissionv1.Create, Gateway: labelledGateway(t, "", "istio-system", "Default")}
	const want = "rules must be compiled before they are asked, are not yet"
	if _, err := r.Validate(t.Context(), request); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	if _, err := r.Mutate(t.Context(), request); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// TestOneDecisionIsOfOneSet swaps the rules at each reading of them: whatever a decision asks, it asks of what it
// read first.
func TestOneDecisionIsOfOneSet(t *testing.T) {
	r := underPolicies(t)
	strict := r.Engine()
	read := 0
	r.Engine = func() *policy.Engine {
		read++
		if read > 1 {
			t.Error("the rules are read a second time")
		}
		return strict
	}
	decision, err := r.Validate(t.Context(), Request{
		Operation: admissionv1.Update, Namespace: "istio-system", Name: "edge",
		Gateway: labelledGateway(t, "prod", "istio-system", "Default"), Old: labelledGateway(t, "prod", "istio-system", "Default"),
	})
	if err != nil || decision.Revision != strict.Revision() {
		t.Errorf("got %v of %v", err, decision)
	}
}
