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

// Stamper writes into an approval what its client may not; an error means that it could not find out what.
type Stamper interface {
	Stamp(context.Context, review.ApprovalRequest) (map[string]any, error)
}

// ApprovalHandler is the mutating webhook for approvals.
type ApprovalHandler struct {
	// Stamper stamps.
	Stamper Stamper
	// Recorder records the decisions; nil records none.
	Recorder *decision.Recorder
}

// Handle answers with the patch that stamps the approval; 400 for a request that cannot be read and 500 for one that
// could not be decided. It is asked about new approvals alone: what a stored one says is immutable.
func (h *ApprovalHandler) Handle(ctx context.Context, req admission.Request) admission.Response {
	return h.Recorder.Decide(ctx, "mutate-approval", req, func(ctx context.Context, record *decision.Record) admission.Response {
		return h.stamp(ctx, req, record)
	})
}

// stamp asks for the stamped approval and words it as a patch.
func (h *ApprovalHandler) stamp(ctx context.Context, req admission.Request, record *decision.Record) admission.Response {
	if req.Operation != admissionv1.Create {
		return admission.Errored(http.StatusBadRequest, fmt.Errorf("operation must be CREATE, is %q", req.Operation))
	}
	request, err := review.ApprovalFromAdmission(req.AdmissionRequest)
	if err != nil {
		return admission.Errored(http.StatusBadRequest, err)
	}
	record.Gateway = req.Namespace + "/" + request.Typed.Spec.GatewayName
	stamped, err := h.Stamper.Stamp(ctx, request)
	if err != nil {
		log.FromContext(ctx).Error(err, "Refused what could not be decided")
		return admission.Errored(http.StatusInternalServerError, fmt.Errorf("stamping ChangeApproval %s/%s: %w", req.Namespace, req.Name, err))
	}
	after, err := json.Marshal(stamped)
	if err != nil {
		return admission.Errored(http.StatusInternalServerError, fmt.Errorf("writing the stamped approval as JSON: %w", err))
	}
	return admission.PatchResponseFromRaw(req.Object.Raw, after)
}
