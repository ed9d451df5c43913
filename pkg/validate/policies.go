package validate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	admissionv1 "k8s.io/api/admission/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	"portcullis.dev/portcullis/pkg/api/v1alpha1"
	"portcullis.dev/portcullis/pkg/decision"
	"portcullis.dev/portcullis/pkg/policy"
)

// PolicyChecker says what keeps a policy from being used together with everything that is in force; a
// *policy.FaultError blames the policy, any other error means that it could not say.
type PolicyChecker interface {
	Check(context.Context, *v1alpha1.GatewayPolicy) error
}

// PolicyHandler is the validating webhook for GatewayPolicies.
type PolicyHandler struct {
	// Checker compiles.
	Checker PolicyChecker
	// Recorder records the decisions; nil records none.
	Recorder *decision.Recorder
}

// Handle answers 403 for a policy that cannot be used, 400 for a request that cannot be read and 500 for a policy that
// could not be judged. Deleting one is always allowed: it is the way out when nothing else works.
func (h *PolicyHandler) Handle(ctx context.Context, req admission.Request) admission.Response {
	return h.Recorder.Decide(ctx, "validate-policy", req, func(ctx context.Context, _ *decision.Record) admission.Response {
		return h.decide(ctx, req)
	})
}

// decide answers by the operation.
func (h *PolicyHandler) decide(ctx context.Context, req admission.Request) admission.Response {
	switch req.Operation {
	case admissionv1.Create, admissionv1.Update:
		return h.check(ctx, req)
	case admissionv1.Delete:
		return admission.Allowed("")
	case admissionv1.Connect:
		return admission.Errored(http.StatusBadRequest, fmt.Errorf("operation must be CREATE, UPDATE or DELETE, is %s", req.Operation))
	default:
		return admission.Errored(http.StatusBadRequest, fmt.Errorf("operation must be CREATE, UPDATE or DELETE, is %q", req.Operation))
	}
}

// check judges the policy, and words what it is to blame for.
func (h *PolicyHandler) check(ctx context.Context, req admission.Request) admission.Response {
	candidate, stored := &v1alpha1.GatewayPolicy{}, &v1alpha1.GatewayPolicy{}
	if err := json.Unmarshal(req.Object.Raw, candidate); err != nil {
		return admission.Errored(http.StatusBadRequest, fmt.Errorf("reading the GatewayPolicy: %w", err))
	}
	if req.Operation == admissionv1.Update {
		if err := json.Unmarshal(req.OldObject.Raw, stored); err != nil {
			return admission.Errored(http.StatusBadRequest, fmt.Errorf("reading the stored GatewayPolicy: %w", err))
		}
		// Labels and finalizers change nothing of what the policy does.
		if equality.Semantic.DeepEqual(candidate.Spec, stored.Spec) {
			return admission.Allowed("")
		}
	}
	candidate.Name = req.Name
	err := h.Checker.Check(ctx, candidate)
	if err == nil {
		return admission.Allowed("")
	}
	fault := (*policy.FaultError)(nil)
	if !errors.As(err, &fault) || fault.Policies[candidate.Name] == nil {
		log.FromContext(ctx).Error(err, "Refused a GatewayPolicy that could not be judged")
		return admission.Errored(http.StatusInternalServerError, fmt.Errorf("judging GatewayPolicy %s: %w", candidate.Name, err))
	}
	return admission.Denied(lines(fault.Policies[candidate.Name].Error()))
}

// lines begins a text of several lines on a line of its own: the client writes its own words before ours.
func lines(text string) string {
	if strings.Contains(text, "\n") {
		return "\n" + text
	}
	return text
}
