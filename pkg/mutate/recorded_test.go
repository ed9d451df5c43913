package mutate

import (
	"context"
	"errors"
	"testing"

	admissionv1 "k8s.io/api/admission/v1"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	"portcullis.dev/portcullis/pkg/decision"
	"portcullis.dev/portcullis/pkg/review"
)

func TestEveryAnswerOfEveryHandlerIsRecorded(t *testing.T) {
	var kept []decision.Record
	recorder := &decision.Recorder{
		Listeners: []func(decision.Record){func(record decision.Record) { kept = append(kept, record) }},
		NewID:     func() string { return "3f2a" },
	}
	fails := mutatorFunc(func(context.Context, review.Request) (map[string]any, error) { return nil, errors.New("late") })
	stamps := stamperFunc(func(_ context.Context, request review.ApprovalRequest) (map[string]any, error) {
		return request.Raw, nil
	})
	approval := request(admissionv1.Create, `{"spec":{"gatewayName":"edge"}}`)
	approval.Name = "edge-1"
	approval.Kind.Group, approval.Kind.Version, approval.Kind.Kind = "portcullis.dev", "v1alpha1", "ChangeApproval"
	for _, test := range []struct {
		handler admission.Handler
		request admission.Request
		want    string
	}{
		{&Handler{Mutator: set(nil), Recorder: recorder}, request(admissionv1.Create, gatewayJSON), "mutate admitted istio-system/edge "},
		{&Handler{Mutator: fails, Recorder: recorder}, request(admissionv1.Create, gatewayJSON), "mutate undecided istio-system/edge filling in IstioGateway istio-system/edge: late"},
		{&ApprovalHandler{Stamper: stamps, Recorder: recorder}, approval, "mutate-approval admitted istio-system/edge "},
		{&ApprovalHandler{Stamper: stamps, Recorder: recorder}, request(admissionv1.Delete, ""), `mutate-approval undecided  operation must be CREATE, is "DELETE"`},
	} {
		kept = nil
		response := test.handler.Handle(t.Context(), test.request)
		if len(kept) != 1 {
			t.Fatalf("got %d records, want one: %s", len(kept), test.want)
		}
		got := kept[0].Webhook + " " + string(kept[0].Verdict) + " " + kept[0].Gateway + " " + kept[0].Message
		if got != test.want || response.AuditAnnotations["decision"] != "3f2a" {
			t.Errorf("got %s with audit annotations %v, want %s", got, response.AuditAnnotations, test.want)
		}
	}
}
