package validate

import (
	"context"
	"errors"
	"net/http"
	"testing"

	admissionv1 "k8s.io/api/admission/v1"

	"portcullis.dev/portcullis/pkg/policy"
	"portcullis.dev/portcullis/pkg/review"
)

// approvalValidatorFunc lets a function decide about approvals.
type approvalValidatorFunc func(context.Context, review.ApprovalRequest) (review.Decision, error)

func (f approvalValidatorFunc) Validate(ctx context.Context, request review.ApprovalRequest) (review.Decision, error) {
	return f(ctx, request)
}

func TestApprovalsAreAnsweredAsGatewaysAre(t *testing.T) {
	denied := policy.Finding{Code: "approval", Field: "spec.digest", Message: "must be a, is b", Fix: "do c"}
	tests := map[string]struct {
		operation admissionv1.Operation
		object    string
		decision  review.Decision
		err       error
		code      int32
		message   string
	}{
		"lets one in":                      {admissionv1.Create, `{}`, review.Decision{}, nil, http.StatusOK, ""},
		"refuses one in words":             {admissionv1.Create, `{}`, review.Decision{Denials: []policy.Finding{denied}}, nil, http.StatusForbidden, denied.String()},
		"refuses what it cannot decide":    {admissionv1.Create, `{}`, review.Decision{}, errors.New("timeout"), http.StatusInternalServerError, "deciding ChangeApproval istio-system/edge: timeout"},
		"refuses to read none":             {admissionv1.Create, ``, review.Decision{}, nil, http.StatusBadRequest, "request.object must hold the ChangeApproval on CREATE, is empty"},
		"is not to be asked of stored one": {admissionv1.Update, `{}`, review.Decision{}, nil, http.StatusBadRequest, `operation must be CREATE, is "UPDATE"`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			asked := request(test.operation, test.object, "")
			asked.Kind.Group, asked.Kind.Version, asked.Kind.Kind = "portcullis.dev", "v1alpha1", "ChangeApproval"
			handler := &ApprovalHandler{Validator: approvalValidatorFunc(func(context.Context, review.ApprovalRequest) (review.Decision, error) {
				return test.decision, test.err
			})}
			response := handler.Handle(t.Context(), asked)
			if response.Allowed != (test.code == http.StatusOK) || response.Result.Code != test.code || response.Result.Message != test.message {
				t.Errorf("got %v %d %q, want %d %q", response.Allowed, response.Result.Code, response.Result.Message, test.code, test.message)
			}
		})
	}
}

func TestABrokenGlassIsInTheAuditLog(t *testing.T) {
	broken := policy.Finding{Code: "break_glass", Field: "metadata.annotations", Message: "must be the exception, is used by ann for Restart in c1: the edge is down"}
	response := (&Handler{Validator: decides(review.Decision{Warnings: []policy.Finding{broken}})}).Handle(t.Context(), request(admissionv1.Create, gatewayJSON, ""))
	if got := response.AuditAnnotations["break-glass"]; !response.Allowed || got != broken.Message || len(response.Warnings) != 1 {
		t.Errorf("got audit annotations %v, warnings %v", response.AuditAnnotations, response.Warnings)
	}
	quiet := (&Handler{Validator: decides(review.Decision{})}).Handle(t.Context(), request(admissionv1.Create, gatewayJSON, ""))
	if _, there := quiet.AuditAnnotations["break-glass"]; there {
		t.Errorf("got audit annotations %v, want no broken glass", quiet.AuditAnnotations)
	}
}
