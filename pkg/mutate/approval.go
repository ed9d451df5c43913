package mutate

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	admissionv1 "k8s.io/api/admission/v1"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

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
}

// Handle answers with the patch that stamps the approval; 400 for a request that cannot be read and 500 for one that
// could not be decided. It is asked about new approvals alone: what a stored one says is immutable.
func (h *ApprovalHandler) Handle(ctx context.Context, req admission.Request) admission.Response {
	if req.Operation != admissionv1.Create {
		return admission.Errored(http.StatusBadRequest, fmt.Errorf("operation must be CREATE, is %q", req.Operation))
	}
	request, err := review.ApprovalFromAdmission(req.AdmissionRequest)
	if err != nil {
		return admission.Errored(http.StatusBadRequest, err)
	}
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
