package review

import (
	"context"
	"fmt"
	"maps"
	"time"

	admissionv1 "k8s.io/api/admission/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/json"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/api/v1alpha1"
	"portcullis.dev/portcullis/pkg/change"
	"portcullis.dev/portcullis/pkg/policy"
)

// defaultWindow is how long an approval holds that does not say.
const defaultWindow = 24 * time.Hour

// ApprovalReviewer decides about approvals when they are made.
type ApprovalReviewer struct {
	// Reviewer holds the rules and the clock, and reads gateways.
	*Reviewer
	// MayApprove asks the API server whether a user has the verb approve on a gateway, and why.
	MayApprove func(ctx context.Context, user authenticationv1.UserInfo, namespace, name string) (allowed bool, reason string, err error)
}

// ApprovalRequest is one approval that somebody makes.
type ApprovalRequest struct {
	// Namespace of the approval and of its gateway; Name is empty when the API server is to generate it.
	Namespace, Name string
	// User who approves.
	User authenticationv1.UserInfo
	// DryRun is true when nothing will be stored.
	DryRun bool
	// Raw is the approval as written, Typed the same.
	Raw   map[string]any
	Typed *v1alpha1.ChangeApproval
}

// ApprovalFromAdmission reads what an API server asks. An error means that the request is malformed.
func ApprovalFromAdmission(in admissionv1.AdmissionRequest) (ApprovalRequest, error) {
	if in.Kind.Group != v1alpha1.GroupVersion.Group || in.Kind.Kind != "ChangeApproval" {
		return ApprovalRequest{}, fmt.Errorf("kind must be ChangeApproval of %s, is %q of %q", v1alpha1.GroupVersion.Group, in.Kind.Kind, in.Kind.Group)
	}
	out := ApprovalRequest{
		Namespace: in.Namespace,
		Name:      in.Name,
		User:      in.UserInfo,
		DryRun:    in.DryRun != nil && *in.DryRun,
		Typed:     &v1alpha1.ChangeApproval{},
	}
	if len(in.Object.Raw) == 0 {
		return ApprovalRequest{}, fmt.Errorf("request.object must hold the ChangeApproval on %s, is empty", in.Operation)
	}
	if err := json.Unmarshal(in.Object.Raw, &out.Raw); err != nil {
		return ApprovalRequest{}, fmt.Errorf("reading the ChangeApproval: %w", err)
	}
	if err := json.Unmarshal(in.Object.Raw, out.Typed); err != nil {
		return ApprovalRequest{}, fmt.Errorf("reading the ChangeApproval: %w", err)
	}
	return out, nil
}

// Stamp returns the approval with who makes it, of which gateway, and from when until when. What the client wrote of
// the first two is replaced.
func (r *ApprovalReviewer) Stamp(ctx context.Context, request ApprovalRequest) (map[string]any, error) {
	written, _ := request.Raw["spec"].(map[string]any)
	spec := maps.Clone(written)
	if spec == nil {
		spec = map[string]any{}
	}
	delete(spec, "gatewayUID")
	gw, err := r.gateway(ctx, request)
	if err != nil {
		return nil, err
	}
	if gw != nil {
		spec["gatewayUID"] = string(gw.UID)
	}
	asks := user(request.User)
	spec["approvedBy"] = v1alpha1.Approver{Username: asks.Username, UID: asks.UID, CredentialID: asks.CredentialID, Groups: asks.Groups}
	from := r.Now().UTC()
	if request.Typed.Spec.NotBefore != nil {
		from = request.Typed.Spec.NotBefore.UTC()
	}
	spec["notBefore"] = from.Format(time.RFC3339)
	if request.Typed.Spec.NotAfter == nil {
		spec["notAfter"] = from.Add(defaultWindow).Format(time.RFC3339)
	}
	out := maps.Clone(request.Raw)
	out["spec"] = spec
	return out, nil
}

// Validate says whether an approval may be made.
func (r *ApprovalReviewer) Validate(ctx context.Context, request ApprovalRequest) (Decision, error) {
	engine, err := r.engine()
	if err != nil {
		return Decision{}, err
	}
	found, err := r.find(ctx, request)
	if err != nil {
		return Decision{}, err
	}
	verdict, err := engine.Validate(ctx, policy.Input{
		Request: policy.Request{
			Operation: string(admissionv1.Create),
			User:      user(request.User),
			DryRun:    request.DryRun,
			Name:      request.Name,
			Namespace: request.Namespace,
		},
		Approval: request.Raw,
		Found:    found,
		Now:      r.Now().UTC().Format(time.RFC3339),
	})
	if err != nil {
		return Decision{}, err
	}
	return Decision{Denials: verdict.Denials, Warnings: verdict.Warnings, Change: change.None(), Audits: verdict.Audits, Revision: engine.Revision()}, nil
}

// find finds out what rules cannot: which gateway is meant, what the changes hash to for it, and whether the approver
// may approve.
func (r *ApprovalReviewer) find(ctx context.Context, request ApprovalRequest) (map[string]any, error) {
	found := map[string]any{}
	gw, err := r.gateway(ctx, request)
	if err != nil {
		return nil, err
	}
	if gw != nil {
		fields, err := change.FromApproved(request.Typed.Spec.Changes)
		if err != nil {
			return nil, err
		}
		if found["digest"], err = change.Digest(gw.UID, fields); err != nil {
			return nil, err
		}
		found["gatewayUID"] = string(gw.UID)
	}
	allowed, reason, err := r.MayApprove(ctx, request.User, request.Namespace, request.Typed.Spec.GatewayName)
	if err != nil {
		return nil, fmt.Errorf("asking whether %s may approve: %w", request.User.Username, err)
	}
	found["allowed"], found["reason"] = allowed, reason
	return found, nil
}

// gateway is the gateway that an approval is for, nil when there is none.
func (r *ApprovalReviewer) gateway(ctx context.Context, request ApprovalRequest) (*v1beta1.IstioGateway, error) {
	name := request.Typed.Spec.GatewayName
	if name == "" {
		return nil, nil
	}
	gw, err := r.Gateway(ctx, request.Namespace, name)
	if err != nil {
		return nil, fmt.Errorf("reading IstioGateway %s/%s: %w", request.Namespace, name, err)
	}
	return gw, nil
}

// timeOf is an instant as rules read it, empty for none.
func timeOf(instant *metav1.Time) string {
	if instant == nil {
		return ""
	}
	return instant.UTC().Format(time.RFC3339)
}
