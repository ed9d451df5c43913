package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	admissionv1 "k8s.io/api/admission/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/api/v1alpha1"
	"portcullis.dev/portcullis/pkg/policy"
	"portcullis.dev/portcullis/pkg/review"
	"portcullis.dev/portcullis/policies"
)

// measureDecisions measures what the rules cost in process: an edit of the number of pods, in few clusters and in many.
func measureDecisions(ctx context.Context, s sizes, results *table) error {
	engine, err := policy.New(ctx, policies.FS, policy.Options{})
	if err != nil {
		return err
	}
	for _, size := range []struct {
		clusters int
		budget   time.Duration
	}{{2, 300 * time.Microsecond}, {50, 1500 * time.Microsecond}} {
		if err := measureDecision(ctx, s, engine, size.clusters, size.budget, results); err != nil {
			return fmt.Errorf("deciding in %d clusters: %w", size.clusters, err)
		}
	}
	return nil
}

// measureDecision measures one decision: the rules alone, and with all else that both webhooks do.
func measureDecision(ctx context.Context, s sizes, engine *policy.Engine, clusters int, budget time.Duration, results *table) error {
	reviewer, edited, old, err := question(engine, clusters)
	if err != nil {
		return err
	}
	var rules, all []time.Duration
	for i := range s.updates {
		began := time.Now()
		decision, err := both(ctx, reviewer, edited(i), old)
		if err != nil {
			return err
		}
		all = append(all, time.Since(began))
		began = time.Now()
		if _, err := engine.Validate(ctx, decision.Input); err != nil {
			return err
		}
		rules = append(rules, time.Since(began))
	}
	results.within(fmt.Sprintf("one decision of all rules, %d clusters, p50", clusters), budget, percentile(rules, 0.5))
	results.note(fmt.Sprintf("all that both webhooks do, %d clusters", clusters), "%s", spread(all))
	return nil
}

// both is what both webhooks do with an update: what mutation makes of the gateway is written and read for validation.
func both(ctx context.Context, reviewer *review.Reviewer, edited, old []byte) (review.Decision, error) {
	request, err := asked(edited, old)
	if err != nil {
		return review.Decision{}, err
	}
	filled, err := reviewer.Mutate(ctx, request)
	if err != nil {
		return review.Decision{}, err
	}
	text, err := json.Marshal(filled)
	if err != nil {
		return review.Decision{}, err
	}
	if request, err = asked(text, old); err != nil {
		return review.Decision{}, err
	}
	decision, err := reviewer.Validate(ctx, request)
	if err == nil && len(decision.Denials) > 0 {
		err = errors.New(decision.Denials[0].String())
	}
	return decision, err
}

// asked is an update as an API server sends it.
func asked(edited, old []byte) (review.Request, error) {
	in := admissionv1.AdmissionRequest{Operation: admissionv1.Update, Namespace: namespace, Name: "edge"}
	in.Kind.Group, in.Kind.Kind = v1beta1.GroupVersion.Group, "IstioGateway"
	in.Object, in.OldObject = runtime.RawExtension{Raw: edited}, runtime.RawExtension{Raw: old}
	return review.FromAdmission(in)
}

// question is a gateway in some clusters as it is stored, who decides about it, and edits of it, each another one.
func question(engine *policy.Engine, clusters int) (reviewer *review.Reviewer, edited func(int) []byte, old []byte, err error) {
	var registered []v1alpha1.GatewayCluster
	var ids []string
	for i := range clusters {
		cluster := v1alpha1.GatewayCluster{}
		cluster.Name = fmt.Sprintf("c%032d", i)
		cluster.Spec.Mesh = &v1alpha1.MeshProfile{Version: "1.26.0.1"}
		cluster.Spec.Facts = &v1alpha1.ClusterFacts{KubernetesVersion: "v1.36.3", KernelVersions: []string{"5.10.134-18.al8.x86_64"}}
		registered, ids = append(registered, cluster), append(ids, cluster.Name)
	}
	reviewer = &review.Reviewer{
		Engine:    func() *policy.Engine { return engine },
		Clusters:  func(context.Context) ([]v1alpha1.GatewayCluster, error) { return registered, nil },
		Approvals: func(context.Context, string, string) ([]v1alpha1.ChangeApproval, error) { return nil, nil },
		Gateways:  func(context.Context) ([]v1beta1.IstioGateway, error) { return nil, nil },
		Gateway:   func(context.Context, string, string) (*v1beta1.IstioGateway, error) { return nil, nil },
		Now:       time.Now,
	}
	gw, err := newGateway("edge", ids...)
	if err != nil {
		return nil, nil, nil, err
	}
	gw.APIVersion, gw.Kind = v1beta1.GroupVersion.String(), "IstioGateway"
	// Filled in by the guard, as what is stored is.
	if old, err = filled(reviewer, gw); err != nil {
		return nil, nil, nil, err
	}
	edited = func(i int) []byte {
		object := map[string]any{}
		// What was just written can be read.
		_ = json.Unmarshal(old, &object)
		object["spec"].(map[string]any)["maxReplicas"] = 11 + i
		text, _ := json.Marshal(object)
		return text
	}
	return reviewer, edited, old, nil
}

// filled is a gateway as mutation leaves it.
func filled(reviewer *review.Reviewer, gw *v1beta1.IstioGateway) ([]byte, error) {
	text, err := json.Marshal(gw)
	if err != nil {
		return nil, err
	}
	request, err := asked(text, text)
	if err != nil {
		return nil, err
	}
	request.Operation, request.Old = admissionv1.Create, nil
	out, err := reviewer.Mutate(context.Background(), request)
	if err != nil {
		return nil, err
	}
	return json.Marshal(out)
}
