package review

import (
	"fmt"

	admissionv1 "k8s.io/api/admission/v1"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/change"
	"portcullis.dev/portcullis/pkg/gateway"
)

// Release is the operation by which the controller asks whether what it holds of a gateway may go. The rules judge what
// is pending then, by the approvals of that: one decision for edits and for upgrades. It is nobody's change, so nobody is
// its author.
const Release admissionv1.Operation = "RELEASE"

// isRelease says whether an update asks that: a dry run, which changes nothing but to name the digest of what is pending.
func isRelease(request Request) (bool, error) {
	if request.Operation != admissionv1.Update || !request.DryRun || request.Old.Typed.Status.Pending == nil {
		return false, nil
	}
	if request.Gateway.Typed.Annotations[gateway.AnnotationRelease] != request.Old.Typed.Status.Pending.Digest {
		return false, nil
	}
	return isUntouched(request)
}

// pendingChange is what is pending of a gateway, as its status tells.
func pendingChange(gw *v1beta1.IstioGateway) (change.Change, error) {
	fields, err := change.FromApproved(gw.Status.Pending.Changes)
	if err != nil {
		return change.Change{}, fmt.Errorf("reading status.pending: %w", err)
	}
	out, err := change.Merge(gw.UID, fields)
	if err == nil && out.Digest != gw.Status.Pending.Digest {
		return change.Change{}, fmt.Errorf("status.pending.digest must be that of its changes, %s, is %s", out.Digest, gw.Status.Pending.Digest)
	}
	return out, err
}
