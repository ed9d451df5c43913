package mutate

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"reflect"
	"testing"

	admissionv1 "k8s.io/api/admission/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	"portcullis.dev/portcullis/pkg/review"
)

// mutatorFunc lets a function fill in.
type mutatorFunc func(context.Context, review.Request) (map[string]any, error)

func (f mutatorFunc) Mutate(ctx context.Context, request review.Request) (map[string]any, error) {
	return f(ctx, request)
}

// request is an admission request about a gateway.
func request(operation admissionv1.Operation, object string) admission.Request {
	return admission.Request{AdmissionRequest: admissionv1.AdmissionRequest{
		Operation: operation,
		Kind:      metav1.GroupVersionKind{Group: "istio.alibabacloud.com", Version: "v1beta1", Kind: "IstioGateway"},
		Namespace: "istio-system",
		Name:      "edge",
		Object:    runtime.RawExtension{Raw: []byte(object)},
		OldObject: runtime.RawExtension{Raw: []byte(object)},
	}}
}

const gatewayJSON = `{
	"metadata":{"name":"edge","namespace":"istio-system","managedFields":[{"manager":"kubectl"}]},
	"spec":{"ports":[{"port":80},{"port":443,"targetPort":8443}],"tolerations":[{"key":"a"}]}
}`

// set is a mutator that sets values in the spec.
func set(values map[string]any) mutatorFunc {
	return func(_ context.Context, request review.Request) (map[string]any, error) {
		out := runtime.DeepCopyJSON(request.Gateway.Raw)
		for key, value := range values {
			out["spec"].(map[string]any)[key] = value
		}
		return out, nil
	}
}

func TestHandleAnswersWithTheSmallestPatch(t *testing.T) {
	tests := map[string]struct {
		values map[string]any
		want   string
	}{
		"patches nothing when nothing is filled": {nil, ""},
		"adds one field":                         {map[string]any{"replicaCount": 1.0}, `[{"op":"add","path":"/spec/replicaCount","value":1}]`},
		"adds one field of one port": {
			map[string]any{"ports": []any{map[string]any{"port": 80.0, "targetPort": 80.0}, map[string]any{"port": 443.0, "targetPort": 8443.0}}},
			`[{"op":"add","path":"/spec/ports/0/targetPort","value":80}]`,
		},
		"appends to a list": {
			map[string]any{"tolerations": []any{map[string]any{"key": "a"}, map[string]any{"key": "b"}}},
			`[{"op":"add","path":"/spec/tolerations/1","value":{"key":"b"}}]`,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			response := (&Handler{Mutator: set(test.values)}).Handle(t.Context(), request(admissionv1.Create, gatewayJSON))
			if !response.Allowed {
				t.Fatalf("refused: %v", response.Result)
			}
			if err := response.Complete(admission.Request{}); err != nil {
				t.Fatal(err)
			}
			if got := string(response.Patch); !sameJSON(t, got, test.want) {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

// sameJSON compares two JSON texts by meaning.
func sameJSON(t *testing.T, a, b string) bool {
	t.Helper()
	if a == "" || b == "" {
		return a == b
	}
	var left, right any
	if err := errors.Join(json.Unmarshal([]byte(a), &left), json.Unmarshal([]byte(b), &right)); err != nil {
		t.Fatal(err)
	}
	return reflect.DeepEqual(left, right)
}

func TestHandleRefusesToRead(t *testing.T) {
	tests := map[string]struct {
		request admission.Request
		want    string
	}{
		"a deletion":           {request(admissionv1.Delete, gatewayJSON), "operation must be CREATE or UPDATE, is DELETE"},
		"a connection":         {request(admissionv1.Connect, gatewayJSON), "operation must be CREATE or UPDATE, is CONNECT"},
		"an unknown operation": {request("PURGE", gatewayJSON), `operation must be CREATE or UPDATE, is "PURGE"`},
		"an empty object":      {request(admissionv1.Create, ""), "request.object must hold the IstioGateway on CREATE, is empty"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			response := (&Handler{Mutator: set(nil)}).Handle(t.Context(), test.request)
			if response.Allowed || response.Result.Code != http.StatusBadRequest || response.Result.Message != test.want {
				t.Errorf("got %d %q, want 400 %q", response.Result.Code, response.Result.Message, test.want)
			}
		})
	}
}

func TestHandleRefusesWhatItCouldNotDecide(t *testing.T) {
	handler := &Handler{Mutator: mutatorFunc(func(context.Context, review.Request) (map[string]any, error) {
		return nil, errors.New("rules a and b want different values")
	})}
	response := handler.Handle(t.Context(), request(admissionv1.Update, gatewayJSON))
	if response.Allowed || response.Result.Code != http.StatusInternalServerError {
		t.Errorf("got allowed %v, code %d, want a refusal with 500", response.Allowed, response.Result.Code)
	}
	if want := "filling in IstioGateway istio-system/edge: rules a and b want different values"; response.Result.Message != want {
		t.Errorf("got %q, want %q", response.Result.Message, want)
	}
}
