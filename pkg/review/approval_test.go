package review

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	admissionv1 "k8s.io/api/admission/v1"
	authenticationv1 "k8s.io/api/authentication/v1"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/change"
)

// bob approves, with a certificate.
var bob = authenticationv1.UserInfo{
	Username: "bob", UID: "7", Groups: []string{"ops"},
	Extra: map[string]authenticationv1.ExtraValue{"authentication.kubernetes.io/credential-id": {"X509SHA256=bb"}},
}

// approving decides about approvals of a gateway of a UID, by those who may.
func approving(t *testing.T, uid string, may bool) *ApprovalReviewer {
	t.Helper()
	r := reviewer(t)
	r.Gateway = func(_ context.Context, _, name string) (*v1beta1.IstioGateway, error) {
		if name != "edge" {
			return nil, nil
		}
		gw := &v1beta1.IstioGateway{}
		gw.Name, gw.UID = name, "u1"
		if uid != "" {
			gw.UID = "u2"
		}
		return gw, nil
	}
	return &ApprovalReviewer{
		Reviewer: r,
		MayApprove: func(context.Context, authenticationv1.UserInfo, string, string) (bool, string, error) {
			return may, "", nil
		},
	}
}

// making is a request to make an approval of a change that sets runAsRoot, for the gateway of UID u1.
func making(t *testing.T, more map[string]any) ApprovalRequest {
	t.Helper()
	after := change.Field{Path: "spec.runAsRoot", After: true, Effects: []change.Effect{change.Restart}, Clusters: []string{"c1"}}
	digest, err := change.Digest("u1", []change.Field{after})
	if err != nil {
		t.Fatal(err)
	}
	spec := map[string]any{
		"gatewayName": "edge", "digest": digest, "reason": "agreed",
		"changes": []any{map[string]any{"path": "spec.runAsRoot", "after": true, "effects": []any{"Restart"}, "clusters": []any{"c1"}}},
	}
	for key, value := range more {
		spec[key] = value
	}
	return approvalRequest(t, map[string]any{"metadata": map[string]any{"name": "a"}, "spec": spec})
}

// approvalRequest is what an API server asks when bob makes an approval.
func approvalRequest(t *testing.T, raw map[string]any) ApprovalRequest {
	t.Helper()
	text, err := json.Marshal(raw)
	if err != nil {
		t.Fatal(err)
	}
	in := admissionv1.AdmissionRequest{Operation: admissionv1.Create, Namespace: "istio-system", Name: "a", UserInfo: bob}
	in.Kind.Group, in.Kind.Kind = "portcullis.dev", "ChangeApproval"
	in.Object.Raw = text
	out, err := ApprovalFromAdmission(in)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// madeBy goes the API server's way: the approval is stamped, then judged.
func madeBy(t *testing.T, r *ApprovalReviewer, asked ApprovalRequest) (ApprovalRequest, Decision) {
	t.Helper()
	stamped, err := r.Stamp(t.Context(), asked)
	if err != nil {
		t.Fatal(err)
	}
	asked = approvalRequest(t, stamped)
	decision, err := r.Validate(t.Context(), asked)
	if err != nil {
		t.Fatal(err)
	}
	return asked, decision
}

func TestApprovalsAreStampedWithWhoReallyAsks(t *testing.T) {
	forged := map[string]any{
		"approvedBy": map[string]any{"username": "dora", "uid": "9", "credentialId": "X509SHA256=dd", "groups": []any{"admins"}},
		"gatewayUID": "forged",
	}
	asked, decision := madeBy(t, approving(t, "", true), making(t, forged))
	if len(decision.Denials) > 0 || decision.Revision == "" {
		t.Errorf("got %+v, want it admitted", decision)
	}
	by := asked.Typed.Spec.ApprovedBy
	if by.Username != "bob" || by.UID != "7" || by.CredentialID != "X509SHA256=bb" || len(by.Groups) != 1 || by.Groups[0] != "ops" {
		t.Errorf("got %+v, want bob as the API server knows him", by)
	}
	if got := asked.Typed.Spec.GatewayUID; got != "u1" {
		t.Errorf("got UID %q, want that of the gateway", got)
	}
}

func TestApprovalsHoldForADayUnlessTheySaySo(t *testing.T) {
	for name, test := range map[string]struct {
		more                map[string]any
		notBefore, notAfter string
	}{
		"from now":    {nil, "2026-01-01T19:04:05Z", "2026-01-02T19:04:05Z"},
		"from later":  {map[string]any{"notBefore": "2026-01-03T08:00:00+08:00"}, "2026-01-03T00:00:00Z", "2026-01-04T00:00:00Z"},
		"for an hour": {map[string]any{"notAfter": "2026-01-01T20:00:00Z"}, "2026-01-01T19:04:05Z", "2026-01-01T20:00:00Z"},
	} {
		t.Run(name, func(t *testing.T) {
			asked, decision := madeBy(t, approving(t, "", true), making(t, test.more))
			spec := asked.Typed.Spec
			if timeOf(spec.NotBefore) != test.notBefore || timeOf(spec.NotAfter) != test.notAfter || len(decision.Denials) > 0 {
				t.Errorf("got %s to %s, denials %v", timeOf(spec.NotBefore), timeOf(spec.NotAfter), decision.Denials)
			}
		})
	}
}

func TestApprovalsThatAreNotTrueAreRefused(t *testing.T) {
	for name, test := range map[string]struct {
		r    *ApprovalReviewer
		more map[string]any
		want string
	}{
		"by somebody who may not":    {approving(t, "", false), nil, "approval: spec.approvedBy"},
		"of a gateway made again":    {approving(t, "u2", true), nil, "approval: spec.digest"},
		"of a gateway that is not":   {approving(t, "", true), map[string]any{"gatewayName": "nowhere"}, "approval: spec.gatewayName approval: spec.digest"},
		"of other changes":           {approving(t, "", true), map[string]any{"changes": []any{map[string]any{"path": "spec.replicaCount"}}}, "approval: spec.digest"},
		"without saying what for":    {approving(t, "", true), map[string]any{"changes": []any{}}, "approval: spec.changes"},
		"for longer than they may":   {approving(t, "", true), map[string]any{"notAfter": "2026-02-01T00:00:00Z"}, "approval: spec.notAfter"},
		"for a time that never is":   {approving(t, "", true), map[string]any{"notBefore": "2026-01-05T00:00:00Z", "notAfter": "2026-01-04T00:00:00Z"}, "approval: spec.notAfter"},
		"of a gateway without names": {approving(t, "", true), map[string]any{"gatewayName": ""}, "approval: spec.gatewayName approval: spec.digest"},
	} {
		t.Run(name, func(t *testing.T) {
			_, decision := madeBy(t, test.r, making(t, test.more))
			got := fieldsOf(decision.Denials)
			if len(got) != len(strings.Fields(test.want))/2 {
				t.Errorf("got %v, want %s", got, test.want)
			}
			for _, field := range got {
				if !strings.Contains(test.want, field) {
					t.Errorf("got %v, want %s", got, test.want)
				}
			}
		})
	}
}

func TestApprovalsThatNobodyStampedAreRefused(t *testing.T) {
	decision, err := approving(t, "", true).Validate(t.Context(), making(t, nil))
	if err != nil || len(decision.Denials) < 3 {
		t.Errorf("got %v, %v; want its gateway, its approver and its window missed", fieldsOf(decision.Denials), err)
	}
}

func TestApprovalsThatCannotBeJudgedAreAnError(t *testing.T) {
	blind := approving(t, "", true)
	blind.Gateway = func(context.Context, string, string) (*v1beta1.IstioGateway, error) {
		return nil, errors.New("timeout")
	}
	if _, err := blind.Stamp(t.Context(), making(t, nil)); err == nil || err.Error() != "reading IstioGateway istio-system/edge: timeout" {
		t.Errorf("stamping: got %v", err)
	}
	if _, err := blind.Validate(t.Context(), making(t, nil)); err == nil || err.Error() != "reading IstioGateway istio-system/edge: timeout" {
		t.Errorf("judging: got %v", err)
	}
	unsure := approving(t, "", true)
	unsure.MayApprove = func(context.Context, authenticationv1.UserInfo, string, string) (bool, string, error) {
		return false, "", errors.New("no authorizer")
	}
	if _, err := unsure.Validate(t.Context(), making(t, nil)); err == nil || err.Error() != "asking whether bob may approve: no authorizer" {
		t.Errorf("judging: got %v", err)
	}
}

func TestApprovalsAreReadStrictly(t *testing.T) {
	for name, test := range map[string]struct{ kind, raw, want string }{
		"of another kind":       {"IstioGateway", `{}`, `kind must be ChangeApproval of portcullis.dev, is "IstioGateway" of "portcullis.dev"`},
		"without an object":     {"ChangeApproval", ``, "request.object must hold the ChangeApproval on CREATE, is empty"},
		"that are no JSON":      {"ChangeApproval", `{`, "reading the ChangeApproval: "},
		"with text for a spec":  {"ChangeApproval", `{"spec":"x"}`, "reading the ChangeApproval: "},
		"with a number as time": {"ChangeApproval", `{"spec":{"notAfter":5}}`, "reading the ChangeApproval: "},
	} {
		t.Run(name, func(t *testing.T) {
			in := admissionv1.AdmissionRequest{Operation: admissionv1.Create}
			in.Kind.Group, in.Kind.Kind = "portcullis.dev", test.kind
			in.Object.Raw = []byte(test.raw)
			if _, err := ApprovalFromAdmission(in); err == nil || !strings.HasPrefix(err.Error(), test.want) {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
}
