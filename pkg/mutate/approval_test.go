package mutate

import (
	"context"
	"errors"
	"net/http"
	"testing"

	admissionv1 "k8s.io/api/admission/v1"

	"portcullis.dev/portcullis/pkg/review"
)

// stamperFunc lets a function stamp.
type stamperFunc func(context.Context, review.ApprovalRequest) (map[string]any, error)

func (f stamperFunc) Stamp(ctx context.Context, request review.ApprovalRequest) (map[string]any, error) {
	return f(ctx, request)
}

func TestApprovalsAreAnsweredWithTheirStamps(t *testing.T) {
	stamps := func(_ context.Context, request review.ApprovalRequest) (map[string]any, error) {
		return map[string]any{"spec": map[string]any{"gatewayName": request.Typed.Spec.GatewayName, "gatewayUID": "u1"}}, nil
	}
	fails := func(context.Context, review.ApprovalRequest) (map[string]any, error) {
		return nil, errors.New("timeout")
	}
	const approval = `{"spec":{"gatewayName":"edge","gatewayUID":"forged"}}`
	tests := map[string]struct {
		operation admissionv1.Operation
		object    string
		stamper   stamperFunc
		code      int32
		message   string
	}{
		"stamps a new one":                 {admissionv1.Create, approval, stamps, http.StatusOK, ""},
		"leaves a stored one alone":        {admissionv1.Update, approval, stamps, http.StatusBadRequest, `operation must be CREATE, is "UPDATE"`},
		"refuses to read none":             {admissionv1.Create, "", stamps, http.StatusBadRequest, "request.object must hold the ChangeApproval on CREATE, is empty"},
		"refuses one that it cannot stamp": {admissionv1.Create, approval, fails, http.StatusInternalServerError, "stamping ChangeApproval istio-system/edge: timeout"},
		"refuses to write what is not JSON": {admissionv1.Create, approval, func(context.Context, review.ApprovalRequest) (map[string]any, error) {
			return map[string]any{"a": make(chan int)}, nil
		}, http.StatusInternalServerError, "writing the stamped approval as JSON: json: unsupported type: chan int"},
		"refuses to read text for an object": {admissionv1.Create, `{"spec":1}`, stamps, http.StatusBadRequest, "reading the ChangeApproval: json: cannot unmarshal number into Go struct field ChangeApproval.spec of type v1alpha1.ChangeApprovalSpec"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			asked := request(test.operation, test.object)
			asked.Kind.Group, asked.Kind.Version, asked.Kind.Kind = "portcullis.dev", "v1alpha1", "ChangeApproval"
			response := (&ApprovalHandler{Stamper: test.stamper}).Handle(t.Context(), asked)
			if test.code == http.StatusOK {
				if !response.Allowed || len(response.Patches) != 1 || response.Patches[0].Json() != `{"op":"replace","path":"/spec/gatewayUID","value":"u1"}` {
					t.Errorf("got %v, want the forged UID replaced", response.Patches)
				}
				return
			}
			if response.Allowed || response.Result.Code != test.code || response.Result.Message != test.message {
				t.Errorf("got %d %q, want %d %q", response.Result.Code, response.Result.Message, test.code, test.message)
			}
		})
	}
}
