package review

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"portcullis.dev/portcullis/pkg/api/v1alpha1"
	"portcullis.dev/portcullis/pkg/change"
	"portcullis.dev/portcullis/pkg/gateway"
)

// The states of an approval, as seen by one change of one gateway.
const (
	// StateValid: it lets this change in, as far as the approval itself is concerned.
	StateValid = "Valid"
	// StateUsed: another change used it.
	StateUsed = "Used"
	// StateExpired: its window is over.
	StateExpired = "Expired"
	// StateNotYetValid: its window has not begun.
	StateNotYetValid = "NotYetValid"
	// StateOtherChange: it is for another change.
	StateOtherChange = "OtherChange"
	// StateOtherGateway: it is for an earlier gateway of the same name.
	StateOtherGateway = "OtherGateway"
)

// judgedApproval is an approval as rules read it.
type judgedApproval struct {
	Name       string             `json:"name"`
	Digest     string             `json:"digest"`
	Matches    bool               `json:"matches"`
	ApprovedBy *v1alpha1.Approver `json:"approvedBy,omitempty"`
	Reason     string             `json:"reason"`
	NotBefore  string             `json:"notBefore,omitempty"`
	NotAfter   string             `json:"notAfter,omitempty"`
	Used       bool               `json:"used"`
	State      string             `json:"state"`
}

// ApprovalState says what an approval is worth for the change of a digest, to the gateway of a UID, at an instant.
// named are the approvals that the stored gateway names: those are used, though nobody may have recorded it yet.
func ApprovalState(approval v1alpha1.ChangeApproval, uid, digest string, named []string, now time.Time) string {
	spec := approval.Spec
	switch {
	case spec.GatewayUID == "" || spec.GatewayUID != uid:
		return StateOtherGateway
	case approval.Status.UsedBy != nil || slices.Contains(named, approval.Name):
		return StateUsed
	case digest == "" || spec.Digest != digest:
		return StateOtherChange
	// What has no end was never filled in by the webhook, and ended before it began.
	case spec.NotAfter == nil || now.After(spec.NotAfter.Time):
		return StateExpired
	case spec.NotBefore == nil || now.Before(spec.NotBefore.Time):
		return StateNotYetValid
	default:
		return StateValid
	}
}

// named are the approvals that a stored gateway names as having let its changes in.
func named(old *Object) []string {
	if old == nil {
		return nil
	}
	return slices.DeleteFunc(strings.Split(old.Typed.Annotations[gateway.AnnotationApprovedBy], ","), func(name string) bool {
		return name == ""
	})
}

// approvals are all approvals of the request's gateway, sorted by name. They are only asked for when they matter: when
// the change needs one, or when the gateway names some.
func (r *Reviewer) approvals(ctx context.Context, request Request, effect change.Change) ([]v1alpha1.ChangeApproval, error) {
	if request.Old == nil || (!disrupts(effect) && len(named(request.Old)) == 0) {
		return nil, nil
	}
	found, err := r.Approvals(ctx, request.Namespace, request.Name)
	if err != nil {
		return nil, fmt.Errorf("listing the approvals of IstioGateway %s/%s: %w", request.Namespace, request.Name, err)
	}
	// Whoever lists may list more.
	found = slices.DeleteFunc(slices.Clone(found), func(approval v1alpha1.ChangeApproval) bool {
		return approval.Namespace != request.Namespace || approval.Spec.GatewayName != request.Name
	})
	slices.SortFunc(found, func(a, b v1alpha1.ChangeApproval) int { return strings.Compare(a.Name, b.Name) })
	return found, nil
}

// disrupts says whether a change has an effect that needs an approval.
func disrupts(effect change.Change) bool {
	for _, clusters := range effect.Effects {
		if len(clusters) > 0 {
			return true
		}
	}
	return false
}

// judged are approvals as the rules read them, each with what it is worth for the change.
func (r *Reviewer) judged(request Request, effect change.Change, approvals []v1alpha1.ChangeApproval) []any {
	out := make([]any, 0, len(approvals))
	for _, approval := range approvals {
		out = append(out, judgedApproval{
			Name:       approval.Name,
			Digest:     approval.Spec.Digest,
			Matches:    effect.Digest != "" && approval.Spec.Digest == effect.Digest,
			ApprovedBy: approval.Spec.ApprovedBy,
			Reason:     approval.Spec.Reason,
			NotBefore:  timeOf(approval.Spec.NotBefore),
			NotAfter:   timeOf(approval.Spec.NotAfter),
			Used:       approval.Status.UsedBy != nil,
			State:      ApprovalState(approval, string(request.Old.Typed.UID), effect.Digest, named(request.Old), r.Now()),
		})
	}
	return out
}
