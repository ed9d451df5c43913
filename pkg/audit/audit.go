// Package audit says of gateways that are stored what the guard would say of them if they came now: those that went past
// it, that are older than a rule, or whose mesh has moved on. At a terminal it is asked once; in the background the
// controller's leader asks it again and again, and writes what comes of it where people look.
package audit

import (
	"context"
	"encoding/json"
	"fmt"

	admissionv1 "k8s.io/api/admission/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/gateway"
	"portcullis.dev/portcullis/pkg/policy"
	"portcullis.dev/portcullis/pkg/review"
)

// User is who asks, by name, when nobody does. Rules that judge who asks can know it by that.
const User = "portcullis:audit"

// annotationBreakGlass says why a change went in without an approval. It speaks of that change, not of the gateway.
const annotationBreakGlass = "portcullis.dev/break-glass"

// Auditor asks the rules about gateways that are stored, as the webhooks ask them about new ones.
type Auditor struct {
	// Reviewer makes the decisions.
	Reviewer *review.Reviewer
}

// Result is what the rules say of one gateway.
type Result struct {
	// Findings, those that would refuse the gateway first.
	Findings []Finding
	// Asked are the codes of the rules that were asked about it.
	Asked []string
	// Revision of the rules that were asked.
	Revision string
}

// Audit says what the guard would say if a stored gateway were made now: it is filled in, and then judged. An error means
// that nothing could be decided.
func (a Auditor) Audit(ctx context.Context, stored map[string]any) (Result, error) {
	// One set of rules for both halves, and for the revision.
	engine := a.Reviewer.Engine()
	reviewer := *a.Reviewer
	reviewer.Engine = func() *policy.Engine { return engine }
	request, err := asked(stored)
	if err != nil {
		return Result{}, err
	}
	filled, err := reviewer.Mutate(ctx, request)
	if err != nil {
		return Result{}, err
	}
	raw, err := json.Marshal(filled)
	if err != nil {
		return Result{}, fmt.Errorf("writing the gateway as JSON: %w", err)
	}
	if request.Gateway, err = review.NewObject(raw); err != nil {
		return Result{}, err
	}
	decision, err := reviewer.Validate(ctx, request)
	if err != nil {
		return Result{}, err
	}
	return Result{
		Findings: Findings(decision.Denials, decision.Warnings, decision.Audits),
		Asked:    inForce(engine, request.Gateway.Typed),
		Revision: decision.Revision,
	}, nil
}

// inForce are the codes of the validating rules that hold for a gateway.
func inForce(engine *policy.Engine, gw *v1beta1.IstioGateway) []string {
	var out []string
	for _, rule := range engine.InForce(gw.Namespace, gw.Labels) {
		if rule.Enforcement != "" {
			out = append(out, rule.Code)
		}
	}
	return out
}

// asked is the request to make a stored gateway now. It comes in by the door that the API server's requests come in by.
func asked(stored map[string]any) (review.Request, error) {
	raw, err := json.Marshal(AsNew(stored))
	if err != nil {
		return review.Request{}, fmt.Errorf("writing the gateway as JSON: %w", err)
	}
	metadata, _ := stored["metadata"].(map[string]any)
	namespace, _ := metadata["namespace"].(string)
	name, _ := metadata["name"].(string)
	return review.FromAdmission(admissionv1.AdmissionRequest{
		Kind:      metav1.GroupVersionKind{Group: v1beta1.GroupVersion.Group, Version: v1beta1.GroupVersion.Version, Kind: "IstioGateway"},
		Operation: admissionv1.Create,
		Namespace: namespace,
		Name:      name,
		UserInfo:  authenticationv1.UserInfo{Username: User},
		DryRun:    new(true),
		Object:    runtime.RawExtension{Raw: raw},
	})
}

// AsNew is a stored gateway as its author might write it now: without what the API server, the controllers and the guard
// added, and without what speaks of one change of it. What was stored stays as it is.
func AsNew(stored map[string]any) map[string]any {
	out := runtime.DeepCopyJSON(stored)
	delete(out, "status")
	metadata, _ := out["metadata"].(map[string]any)
	for _, key := range []string{
		"uid", "resourceVersion", "generation", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "managedFields", "selfLink",
	} {
		delete(metadata, key)
	}
	annotations, _ := metadata["annotations"].(map[string]any)
	for _, key := range []string{gateway.AnnotationAdmitted, gateway.AnnotationApprovedBy, gateway.AnnotationRelease, annotationBreakGlass} {
		delete(annotations, key)
	}
	return out
}
