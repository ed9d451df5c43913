package validate

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	admissionv1 "k8s.io/api/admission/v1"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	"portcullis.dev/portcullis/pkg/change"
	"portcullis.dev/portcullis/pkg/decision"
	"portcullis.dev/portcullis/pkg/policy"
	"portcullis.dev/portcullis/pkg/review"
)

// keeping is a recorder of decisions with the ID 3f2a, and where it keeps them.
func keeping() (*decision.Recorder, *[]decision.Record) {
	var kept []decision.Record
	return &decision.Recorder{
		Listeners: []func(decision.Record){func(record decision.Record) { kept = append(kept, record) }},
		NewID:     func() string { return "3f2a" },
	}, &kept
}

func TestARecordSaysWhatTheDecisionDoes(t *testing.T) {
	denied := policy.Finding{Code: "ports", Field: "spec.ports", Message: "must be a, is b", Fix: "do c"}
	warned := policy.Finding{Code: "drain", Field: "spec.x", Message: "must be d, is e"}
	audited := policy.Finding{Code: "env", Field: "spec.env", Message: "must be f, is g"}
	made := review.Decision{
		Warnings: []policy.Finding{warned}, Audits: []policy.Finding{audited}, Approvals: []string{"edge-1"}, Revision: "r1",
		Change: change.Change{Digest: "sha256:1", Effects: map[change.Effect][]string{change.Restart: {"c1"}}},
	}
	recorder, kept := keeping()
	handler := &Handler{Validator: decides(made), Recorder: recorder}
	response := handler.Handle(t.Context(), request(admissionv1.Update, gatewayJSON, gatewayJSON))
	if !response.Allowed || response.AuditAnnotations["decision"] != "3f2a" || response.AuditAnnotations["warned"] != "drain" {
		t.Errorf("answered %v with audit annotations %v", response.Allowed, response.AuditAnnotations)
	}
	record := (*kept)[0]
	want := []decision.Finding{{Finding: warned, Enforcement: policy.Warn}, {Finding: audited, Enforcement: policy.Audit}}
	if !slices.Equal(record.Findings, want) || record.Revision != "r1" || record.Webhook != "validate" || record.Gateway != "istio-system/edge" {
		t.Errorf("got %+v", record)
	}
	if record.Verdict != decision.Admitted || record.Change.Digest != "sha256:1" || !slices.Equal(record.Approvals, []string{"edge-1"}) {
		t.Errorf("got %+v", record)
	}

	made.Denials = []policy.Finding{denied}
	handler.Validator = decides(made)
	response = handler.Handle(t.Context(), request(admissionv1.Update, gatewayJSON, gatewayJSON))
	if want := denied.String() + "\ndecision 3f2a"; response.Result.Message != want {
		t.Errorf("answered %q, want %q", response.Result.Message, want)
	}
	record = (*kept)[1]
	if record.Verdict != decision.Refused || record.Findings[0].Finding != denied || record.Findings[0].Enforcement != policy.Deny || record.Approvals != nil {
		t.Errorf("got %+v", record)
	}
}

func TestEveryAnswerOfEveryHandlerIsRecorded(t *testing.T) {
	recorder, kept := keeping()
	undecided := errors.New("late")
	gateways := &Handler{Recorder: recorder, Validator: validatorFunc(func(context.Context, review.Request) (review.Decision, error) {
		return review.Decision{}, undecided
	})}
	approvals := &ApprovalHandler{Recorder: recorder, Validator: approvalValidatorFunc(func(context.Context, review.ApprovalRequest) (review.Decision, error) {
		return review.Decision{Denials: []policy.Finding{{Code: "approval", Field: "spec", Message: "no"}}}, nil
	})}
	approval := request(admissionv1.Create, `{"spec":{"gatewayName":"edge"}}`, "")
	approval.Name = "edge-1"
	approval.Kind.Group, approval.Kind.Version, approval.Kind.Kind = "portcullis.dev", "v1alpha1", "ChangeApproval"
	for _, test := range []struct {
		handler admission.Handler
		request admission.Request
		want    string
	}{
		{gateways, request(admissionv1.Create, gatewayJSON, ""), "validate undecided istio-system/edge deciding CREATE of IstioGateway istio-system/edge: late"},
		{gateways, request(admissionv1.Create, "{", ""), "validate undecided istio-system/edge request.object: reading the IstioGateway: unexpected end of JSON input"},
		{gateways, request(admissionv1.Connect, "", ""), "validate undecided  operation must be CREATE, UPDATE or DELETE, is CONNECT"},
		{approvals, approval, "validate-approval refused istio-system/edge "},
		{approvals, request(admissionv1.Delete, "", ""), `validate-approval undecided  operation must be CREATE, is "DELETE"`},
		{&PolicyHandler{Recorder: recorder}, request(admissionv1.Delete, "", ""), "validate-policy admitted  "},
		{&PolicyHandler{Recorder: recorder}, request(admissionv1.Create, "[]", ""), "validate-policy undecided  reading the GatewayPolicy: json: cannot unmarshal array into Go value of type v1alpha1.GatewayPolicy"},
	} {
		*kept = nil
		response := test.handler.Handle(t.Context(), test.request)
		if len(*kept) != 1 {
			t.Fatalf("got %d records, want one: %s", len(*kept), test.want)
		}
		record := (*kept)[0]
		got := strings.Join([]string{record.Webhook, string(record.Verdict), record.Gateway, record.Message}, " ")
		if got != test.want || response.AuditAnnotations["decision"] != record.ID {
			t.Errorf("got %s, want %s", got, test.want)
		}
		if hasID := strings.HasSuffix(response.Result.Message, "\ndecision 3f2a"); hasID == response.Allowed {
			t.Errorf("answered %v %q", response.Allowed, response.Result.Message)
		}
	}
}
