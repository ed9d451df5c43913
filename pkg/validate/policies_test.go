package validate_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	admissionv1 "k8s.io/api/admission/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	"portcullis.dev/portcullis/pkg/api/v1alpha1"
	"portcullis.dev/portcullis/pkg/policy"
	"portcullis.dev/portcullis/pkg/validate"
)

// checkerFn checks as a function does.
type checkerFn func(*v1alpha1.GatewayPolicy) error

func (f checkerFn) Check(_ context.Context, candidate *v1alpha1.GatewayPolicy) error {
	return f(candidate)
}

// policyRequest is a request about a policy with a module.
func policyRequest(t *testing.T, operation admissionv1.Operation, module, stored string) admission.Request {
	t.Helper()
	raw := func(module string) runtime.RawExtension {
		out := &v1alpha1.GatewayPolicy{}
		out.Labels = map[string]string{"changed": module}
		out.Spec.Modules = map[string]string{"a.rego": strings.TrimSuffix(module, " with another label")}
		text, err := json.Marshal(out)
		if err != nil {
			t.Fatal(err)
		}
		return runtime.RawExtension{Raw: text}
	}
	return admission.Request{AdmissionRequest: admissionv1.AdmissionRequest{
		Operation: operation, Name: "p", Object: raw(module), OldObject: raw(stored),
	}}
}

// blaming blames a policy for something.
func blaming(name, says string) error {
	return &policy.FaultError{Policies: map[string]error{name: errors.New(says)}}
}

func TestPolicyHandler(t *testing.T) {
	tests := []struct {
		name           string
		operation      admissionv1.Operation
		module, stored string
		err            error
		code           int32
		says           string
	}{
		{name: "lets a good policy in", operation: admissionv1.Create, module: "good", code: http.StatusOK},
		{name: "lets a good change in", operation: admissionv1.Update, module: "good", stored: "other", code: http.StatusOK},
		{name: "refuses a policy for what it is to blame for", operation: admissionv1.Create, module: "bad", err: blaming("p", "a.rego:1:1: no"), code: http.StatusForbidden, says: "a.rego:1:1: no"},
		{name: "begins several lines on a line of their own", operation: admissionv1.Create, module: "bad", err: blaming("p", "one\ntwo"), code: http.StatusForbidden, says: "\none\ntwo"},
		{name: "refuses a change for what it is to blame for", operation: admissionv1.Update, module: "bad", stored: "other", err: blaming("p", "no"), code: http.StatusForbidden, says: "no"},
		{name: "lets a bad policy be labelled", operation: admissionv1.Update, module: "bad with another label", stored: "bad", err: blaming("p", "no"), code: http.StatusOK},
		{name: "lets a bad policy go", operation: admissionv1.Delete, module: "bad", err: blaming("p", "no"), code: http.StatusOK},
		{name: "refuses what it cannot judge", operation: admissionv1.Create, module: "good", err: errors.New("lost"), code: http.StatusInternalServerError, says: "judging GatewayPolicy p: lost"},
		{name: "does not blame a policy for others", operation: admissionv1.Create, module: "good", err: blaming("q", "no"), code: http.StatusInternalServerError, says: "judging GatewayPolicy p: GatewayPolicy q: no"},
		{name: "refuses to connect", operation: admissionv1.Connect, code: http.StatusBadRequest, says: "operation must be CREATE, UPDATE or DELETE, is CONNECT"},
		{name: "refuses what is no operation", operation: "", code: http.StatusBadRequest, says: `operation must be CREATE, UPDATE or DELETE, is ""`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			handler := &validate.PolicyHandler{Checker: checkerFn(func(candidate *v1alpha1.GatewayPolicy) error {
				if candidate.Name != "p" || candidate.Spec.Modules["a.rego"] != test.module {
					t.Errorf("asked of %s with %v", candidate.Name, candidate.Spec.Modules)
				}
				return test.err
			})}
			answer := handler.Handle(t.Context(), policyRequest(t, test.operation, test.module, test.stored))
			if answer.Result.Code != test.code || answer.Result.Message != test.says || answer.Allowed != (test.code == http.StatusOK) {
				t.Errorf("got %v %d %q, want %d %q", answer.Allowed, answer.Result.Code, answer.Result.Message, test.code, test.says)
			}
		})
	}
}

func TestPolicyHandlerRefusesWhatIsNoPolicy(t *testing.T) {
	handler := &validate.PolicyHandler{}
	for _, operation := range []admissionv1.Operation{admissionv1.Create, admissionv1.Update} {
		request := policyRequest(t, operation, "a", "b")
		request.Object.Raw = []byte(`{"spec": {"modules": [1]}}`)
		if answer := handler.Handle(t.Context(), request); answer.Allowed || answer.Result.Code != http.StatusBadRequest {
			t.Errorf("%s: got %v, want a refusal of the request", operation, answer.Result)
		}
	}
	request := policyRequest(t, admissionv1.Update, "a", "b")
	request.OldObject.Raw = nil
	if answer := handler.Handle(t.Context(), request); answer.Allowed || answer.Result.Code != http.StatusBadRequest {
		t.Errorf("got %v, want a refusal of the request", answer.Result)
	}
}
