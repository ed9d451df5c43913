package validate

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	admissionv1 "k8s.io/api/admission/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	"portcullis.dev/portcullis/pkg/policy"
	"portcullis.dev/portcullis/pkg/review"
)

// validatorFunc lets a function decide.
type validatorFunc func(context.Context, review.Request) (review.Decision, error)

func (f validatorFunc) Validate(ctx context.Context, request review.Request) (review.Decision, error) {
	return f(ctx, request)
}

// decides is a validator that always decides the same.
func decides(decision review.Decision) validatorFunc {
	return func(context.Context, review.Request) (review.Decision, error) { return decision, nil }
}

// request is an admission request about a gateway.
func request(operation admissionv1.Operation, object, old string) admission.Request {
	return admission.Request{AdmissionRequest: admissionv1.AdmissionRequest{
		Operation: operation,
		Kind:      metav1.GroupVersionKind{Group: "istio.alibabacloud.com", Version: "v1beta1", Kind: "IstioGateway"},
		Namespace: "istio-system",
		Name:      "edge",
		Object:    runtime.RawExtension{Raw: []byte(object)},
		OldObject: runtime.RawExtension{Raw: []byte(old)},
	}}
}

const gatewayJSON = `{"apiVersion":"istio.alibabacloud.com/v1beta1","kind":"IstioGateway","metadata":{"name":"edge","namespace":"istio-system"},"spec":{}}`

func TestHandleReadsEveryOperation(t *testing.T) {
	tests := map[string]struct {
		request  admission.Request
		code     int32
		sentence string
	}{
		"decides a creation":                          {request(admissionv1.Create, gatewayJSON, ""), http.StatusOK, ""},
		"decides an update":                           {request(admissionv1.Update, gatewayJSON, gatewayJSON), http.StatusOK, ""},
		"decides a deletion, which has no new object": {request(admissionv1.Delete, "", gatewayJSON), http.StatusOK, ""},
		"refuses to read a connection":                {request(admissionv1.Connect, gatewayJSON, ""), http.StatusBadRequest, "operation must be CREATE, UPDATE or DELETE, is CONNECT"},
		"refuses to read an unknown operation":        {request("PURGE", gatewayJSON, ""), http.StatusBadRequest, `operation must be CREATE, UPDATE or DELETE, is "PURGE"`},
		"refuses to read a creation without object":   {request(admissionv1.Create, "", ""), http.StatusBadRequest, "request.object must hold the IstioGateway on CREATE, is empty"},
		"refuses to read an update without old":       {request(admissionv1.Update, gatewayJSON, ""), http.StatusBadRequest, "request.oldObject must hold the IstioGateway on UPDATE, is empty"},
		"refuses to read a deletion without old":      {request(admissionv1.Delete, "", ""), http.StatusBadRequest, "request.oldObject must hold the IstioGateway on DELETE, is empty"},
		"refuses to read what is no JSON":             {request(admissionv1.Create, "{", ""), http.StatusBadRequest, "request.object: reading the IstioGateway: unexpected end of JSON input"},
		"refuses to read a field of a wrong type": {
			request(admissionv1.Create, `{"spec":{"replicaCount":"two"}}`, ""), http.StatusBadRequest,
			"request.object: spec.replicaCount must be of type integer, is string",
		},
		"refuses to read a kind that is not ours": {
			func() admission.Request {
				r := request(admissionv1.Create, gatewayJSON, "")
				r.Kind = metav1.GroupVersionKind{Version: "v1", Kind: "Pod"}
				return r
			}(), http.StatusBadRequest, `kind must be IstioGateway of istio.alibabacloud.com, is "Pod" of ""`,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			response := (&Handler{Validator: decides(review.Decision{})}).Handle(t.Context(), test.request)
			if response.Result.Code != test.code || response.Result.Message != test.sentence {
				t.Errorf("got %d %q, want %d %q", response.Result.Code, response.Result.Message, test.code, test.sentence)
			}
			if response.Allowed != (test.code == http.StatusOK) {
				t.Errorf("got allowed %v with code %d", response.Allowed, response.Result.Code)
			}
		})
	}
}

func TestHandlePassesOnWhoAsksForWhat(t *testing.T) {
	var got review.Request
	handler := &Handler{Validator: validatorFunc(func(_ context.Context, r review.Request) (review.Decision, error) {
		got = r
		return review.Decision{}, nil
	})}
	asked := request(admissionv1.Update, gatewayJSON, gatewayJSON)
	asked.UserInfo.Username, asked.UserInfo.Groups, asked.DryRun = "alice", []string{"gateways"}, new(true)
	handler.Handle(t.Context(), asked)
	if got.User.Username != "alice" || len(got.User.Groups) != 1 || !got.DryRun || got.Operation != admissionv1.Update {
		t.Errorf("got %+v", got)
	}
	if got.Gateway.Typed.Name != "edge" || got.Old.Typed.Name != "edge" || got.Name != "edge" || got.Namespace != "istio-system" {
		t.Errorf("got gateway %v, old %v", got.Gateway, got.Old)
	}
}

func TestHandleRefusesWhatTheRulesRefuse(t *testing.T) {
	one := policy.Finding{Code: "namespace", Field: "metadata.namespace", Message: "must be istio-system, is default", Fix: "move it"}
	two := policy.Finding{Code: "autoscaling", Field: "spec.maxReplicas", Message: "must be at least minReplicas 3, is 2", Fix: "raise it"}
	warning := policy.Finding{Code: "cluster_ids", Field: "spec.clusterIds[0]", Message: "c1 is not reachable now", Fix: "wait"}
	response := (&Handler{Validator: decides(review.Decision{
		Denials: []policy.Finding{two, one}, Warnings: []policy.Finding{warning}, Revision: "abc",
	})}).Handle(t.Context(), request(admissionv1.Create, gatewayJSON, ""))

	if response.Allowed || response.Result.Code != http.StatusForbidden {
		t.Errorf("got allowed %v, code %d, want a refusal with 403", response.Allowed, response.Result.Code)
	}
	want := "\nautoscaling: spec.maxReplicas: must be at least minReplicas 3, is 2 (raise it)\nnamespace: metadata.namespace: must be istio-system, is default (move it)"
	if response.Result.Message != want {
		t.Errorf("got message %q, want %q", response.Result.Message, want)
	}
	if len(response.Warnings) != 1 || response.Warnings[0] != "cluster_ids: spec.clusterIds[0]: c1 is not reachable now (wait)" {
		t.Errorf("got warnings %q", response.Warnings)
	}
	for key, value := range map[string]string{"revision": "abc", "denied": "autoscaling,namespace", "warned": "cluster_ids"} {
		if response.AuditAnnotations[key] != value {
			t.Errorf("got audit annotation %s=%q, want %q", key, response.AuditAnnotations[key], value)
		}
	}
}

func TestHandleSaysASingleDenialOnOneLine(t *testing.T) {
	denial := policy.Finding{Code: "namespace", Field: "metadata.namespace", Message: "must be istio-system, is default", Fix: "move it"}
	if got := Message([]policy.Finding{denial}); strings.Contains(got, "\n") {
		t.Errorf("got %q", got)
	}
}

func TestHandleRefusesWhatItCouldNotDecide(t *testing.T) {
	handler := &Handler{Validator: validatorFunc(func(context.Context, review.Request) (review.Decision, error) {
		return review.Decision{}, errors.New("evaluation deadline exceeded")
	})}
	response := handler.Handle(t.Context(), request(admissionv1.Create, gatewayJSON, ""))
	if response.Allowed || response.Result.Code != http.StatusInternalServerError {
		t.Errorf("got allowed %v, code %d, want a refusal with 500", response.Allowed, response.Result.Code)
	}
	if want := "deciding CREATE of IstioGateway istio-system/edge: evaluation deadline exceeded"; response.Result.Message != want {
		t.Errorf("got %q, want %q", response.Result.Message, want)
	}
}

func TestServerTurnsAPanicIntoARefusal(t *testing.T) {
	served := &admission.Webhook{Handler: &Handler{Validator: validatorFunc(func(context.Context, review.Request) (review.Decision, error) {
		var none *review.Decision
		return *none, nil
	})}}
	response := served.Handle(t.Context(), request(admissionv1.Create, gatewayJSON, ""))
	if response.Allowed || response.Result.Code != http.StatusInternalServerError {
		t.Errorf("got allowed %v, code %d, want a refusal with 500", response.Allowed, response.Result.Code)
	}
}
