package validate

import (
	"context"
	"fmt"
	"net/http"

	admissionv1 "k8s.io/api/admission/v1"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	"portcullis.dev/portcullis/pkg/review"
)

// ApprovalValidator decides whether an approval may be made; an error means that it could not decide.
type ApprovalValidator interface {
	Validate(context.Context, review.ApprovalRequest) (review.Decision, error)
}

// ApprovalHandler is the validating webhook for approvals.
type ApprovalHandler struct {
	// Validator decides.
	Validator ApprovalValidator
}

// Handle answers as that of gateways does. It is asked about new approvals alone: what a stored one says is immutable.
func (h *ApprovalHandler) Handle(ctx context.Context, req admission.Request) admission.Response {
	if req.Operation != admissionv1.Create {
		return admission.Errored(http.StatusBadRequest, fmt.Errorf("operation must be CREATE, is %q", req.Operation))
	}
	request, err := review.ApprovalFromAdmission(req.AdmissionRequest)
	if err != nil {
		return admission.Errored(http.StatusBadRequest, err)
	}
	decision, err := h.Validator.Validate(ctx, request)
	if err != nil {
		log.FromContext(ctx).Error(err, "Refused what could not be decided")
		return admission.Errored(http.StatusInternalServerError, fmt.Errorf("deciding ChangeApproval %s/%s: %w", req.Namespace, req.Name, err))
	}
	return answer(ctx, decision, request.DryRun)
}
