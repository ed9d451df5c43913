package v1beta1

import (
	"portcullis.dev/portcullis/pkg/api/v1alpha1"
)

// HoldReason is one word for why a restart is held.
//
// +kubebuilder:validation:Enum=UpgradeHeld;NotAdmitted;TemplateDrifted;RestoredOlder
type HoldReason string

// The reasons to hold a restart. They are reasons of the condition RestartPending too.
const (
	// UpgradeHeld: the cluster's mesh profile, or the renderer of Portcullis, is newer than what runs, and pods would
	// restart to get there.
	UpgradeHeld HoldReason = "UpgradeHeld"
	// NotAdmitted: the gateway is not as the guard last admitted it; somebody went past the webhook.
	NotAdmitted HoldReason = "NotAdmitted"
	// TemplateDrifted: somebody changed the pod template in the cluster, and to put it back restarts the pods again.
	TemplateDrifted HoldReason = "TemplateDrifted"
	// RestoredOlder: the gateway is of an older generation than what runs; its store was put back.
	RestoredOlder HoldReason = "RestoredOlder"
)

// HeldRestart is a restart that is held in one cluster.
type HeldRestart struct {
	// Why it is held.
	Reason HoldReason `json:"reason"`
	// What restarts the pods: fields of the mesh profile (mesh.proxyImage), the renderer, or fields of the pod template
	// (template.spec.containers.istio-proxy.image), each with what runs now and what would run.
	//
	// +optional
	// +listType=atomic
	Changes []v1alpha1.ApprovedChange `json:"changes,omitempty"`
}

// PendingRestart is what is held of a gateway, in all its clusters. A ChangeApproval of its digest releases it.
type PendingRestart struct {
	// Digest of the changes, sha256:<hex>, bound to the gateway's UID.
	Digest string `json:"digest"`
	// Why it is held; of several reasons the gravest.
	Reason HoldReason `json:"reason"`
	// What restarts the pods, and in which clusters.
	//
	// +optional
	// +listType=atomic
	Changes []v1alpha1.ApprovedChange `json:"changes,omitempty"`
	// Names of the ChangeApprovals that released it, separated by commas, while pods are being rolled.
	//
	// +optional
	ReleasedBy string `json:"releasedBy,omitempty"`
	// Why the approvals that there are do not release it, in the guard's words; absent when there are none.
	//
	// +optional
	Refusal string `json:"refusal,omitempty"`
}
