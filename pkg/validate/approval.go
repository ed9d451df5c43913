package validate

import (
	"context"
	"fmt"
	"net/http"

	admissionv1 "k8s.io/api/admission/v1"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	"portcullis.dev/portcullis/pkg/decision"
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
	// Recorder records the decisions; nil records none.
	Recorder *decision.Recorder
}

// Handle answers as that of gateways does. It is asked about new approvals alone: what a stored one says is immutable.
func (h *ApprovalHandler) Handle(ctx context.Context, req admission.Request) admission.Response {
	return h.Recorder.Decide(ctx, "validate-approval", req, func(ctx context.Context, record *decision.Record) admission.Response {
		return h.decide(ctx, req, record)
	})
}

// decide asks for the decision and words it.
func (h *ApprovalHandler) decide(ctx context.Context, req admission.Request, record *decision.Record) admission.Response {
	if req.Operation != admissionv1.Create {
		return admission.Errored(http.StatusBadRequest, fmt.Errorf("operation must be CREATE, is %q", req.Operation))
	}
	request, err := review.ApprovalFromAdmission(req.AdmissionRequest)
	if err != nil {
		return admission.Errored(http.StatusBadRequest, err)
	}
	record.Gateway = req.Namespace + "/" + request.Typed.Spec.GatewayName
	decided, err := h.Validator.Validate(ctx, request)
	if err != nil {
		log.FromContext(ctx).Error(err, "Refused what could not be decided")
		return admission.Errored(http.StatusInternalServerError, fmt.Errorf("deciding ChangeApproval %s/%s: %w", req.Namespace, req.Name, err))
	}
	return answer(ctx, decided, record)
}
