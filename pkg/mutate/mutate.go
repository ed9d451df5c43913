// Package mutate fills in what the author of a gateway left open.
package mutate

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	admissionv1 "k8s.io/api/admission/v1"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	"portcullis.dev/portcullis/pkg/decision"
	"portcullis.dev/portcullis/pkg/review"
)

// Mutator fills in a gateway; an error means that it could not decide how.
type Mutator interface {
	Mutate(context.Context, review.Request) (map[string]any, error)
}

// Handler is the mutating webhook.
type Handler struct {
	// Mutator fills in.
	Mutator Mutator
	// Recorder records the decisions; nil records none.
	Recorder *decision.Recorder
}

// Handle answers with the smallest JSON patch that fills the gateway in; 400 for a request that cannot
// be read and 500 for one that could not be decided.
func (h *Handler) Handle(ctx context.Context, req admission.Request) admission.Response {
	return h.Recorder.Decide(ctx, "mutate", req, func(ctx context.Context, record *decision.Record) admission.Response {
		record.Gateway = req.Namespace + "/" + req.Name
		return h.handle(ctx, req)
	})
}

// handle answers by the operation.
func (h *Handler) handle(ctx context.Context, req admission.Request) admission.Response {
	switch req.Operation {
	case admissionv1.Create, admissionv1.Update:
		return h.fill(ctx, req)
	case admissionv1.Delete, admissionv1.Connect:
		return admission.Errored(http.StatusBadRequest, fmt.Errorf("operation must be CREATE or UPDATE, is %s", req.Operation))
	default:
		return admission.Errored(http.StatusBadRequest, fmt.Errorf("operation must be CREATE or UPDATE, is %q", req.Operation))
	}
}

// fill asks for the filled gateway and words it as a patch.
func (h *Handler) fill(ctx context.Context, req admission.Request) admission.Response {
	request, err := review.FromAdmission(req.AdmissionRequest)
	if err != nil {
		return admission.Errored(http.StatusBadRequest, err)
	}
	before, err := json.Marshal(request.Gateway.Raw)
	if err != nil {
		return admission.Errored(http.StatusInternalServerError, fmt.Errorf("writing the gateway as JSON: %w", err))
	}
	filled, err := h.Mutator.Mutate(ctx, request)
	if err != nil {
		log.FromContext(ctx).Error(err, "Refused what could not be decided")
		return admission.Errored(http.StatusInternalServerError, fmt.Errorf("filling in IstioGateway %s/%s: %w", req.Namespace, req.Name, err))
	}
	after, err := json.Marshal(filled)
	if err != nil {
		return admission.Errored(http.StatusInternalServerError, fmt.Errorf("writing the filled gateway as JSON: %w", err))
	}
	// Both sides went through the same encoding, so the patch holds the fills and nothing else.
	return admission.PatchResponseFromRaw(before, after)
}
