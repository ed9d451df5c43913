package v1alpha1

import (
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// ChangeApproval lets one exact change of one gateway in, although it restarts pods or releases an address.
// It is made by somebody other than the change's author, holds for a window of time, is used once, and
// stays behind as a record.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:scope=Namespaced,shortName=ca
// +kubebuilder:selectablefield:JSONPath=`.spec.gatewayName`
// +kubebuilder:validation:XValidation:rule="!has(oldSelf.status) || !has(oldSelf.status.usedBy) || has(self.status) && has(self.status.usedBy) && self.status.usedBy == oldSelf.status.usedBy",message="status.usedBy is set once"
// +kubebuilder:printcolumn:name="Gateway",type=string,JSONPath=`.spec.gatewayName`
// +kubebuilder:printcolumn:name="Approved By",type=string,JSONPath=`.spec.approvedBy.username`
// +kubebuilder:printcolumn:name="Not After",type=string,JSONPath=`.spec.notAfter`
// +kubebuilder:printcolumn:name="Used At",type=string,JSONPath=`.status.usedBy.at`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type ChangeApproval struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// What is approved, by whom and for how long. Immutable.
	//
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="spec is immutable: delete the approval and make another one"
	Spec ChangeApprovalSpec `json:"spec"`
	// Whether the approval was used.
	Status ChangeApprovalStatus `json:"status,omitempty"`
}

// ChangeApprovalList is a list of ChangeApprovals.
//
// +kubebuilder:object:root=true
type ChangeApprovalList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	Items []ChangeApproval `json:"items"`
}

// ChangeApprovalSpec is what is approved, by whom and for how long.
//
// +kubebuilder:validation:XValidation:rule="!has(self.notBefore) || !has(self.notAfter) || self.notBefore < self.notAfter",message="notBefore must be before notAfter"
type ChangeApprovalSpec struct {
	// Name of the gateway, in the approval's namespace.
	//
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	GatewayName string `json:"gatewayName"`
	// UID of that gateway, set by the webhook: a gateway that is deleted and made again under the same name needs
	// approvals of its own. What a client writes here is replaced.
	//
	// +optional
	GatewayUID string `json:"gatewayUID,omitempty"`
	// Digest of the change, sha256:<hex>, as the refusal printed it.
	//
	// +kubebuilder:validation:Pattern=`^sha256:[0-9a-f]{64}$`
	Digest string `json:"digest"`
	// The change that the approver saw; it must hash to the digest.
	//
	// +optional
	// +listType=atomic
	Changes []ApprovedChange `json:"changes,omitempty"`
	// Why the change may go in, for those who read the record later.
	//
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	Reason string `json:"reason"`
	// Instant before which the approval does not count. Default: its creation.
	//
	// +optional
	NotBefore *metav1.Time `json:"notBefore,omitempty"`
	// Instant after which the approval does not count. Default: 24 hours after its creation; at most 7 days.
	//
	// +optional
	NotAfter *metav1.Time `json:"notAfter,omitempty"`
	// Who approved, set by the webhook from the request that made this object; what a client writes here is
	// replaced.
	//
	// +optional
	ApprovedBy *Approver `json:"approvedBy,omitempty"`
}

// ApprovedChange is one changed field, as the approver saw it.
type ApprovedChange struct {
	// Path of the field, for example spec.resources.limits.memory.
	Path string `json:"path"`
	// Value before the change; absent when the field was not set.
	//
	// +optional
	Before *apiextensionsv1.JSON `json:"before,omitempty"`
	// Value after the change; absent when the field is no longer set.
	//
	// +optional
	After *apiextensionsv1.JSON `json:"after,omitempty"`
	// What the change does: Restart, AddressLoss; sorted.
	//
	// +optional
	// +listType=atomic
	Effects []string `json:"effects,omitempty"`
	// IDs of the clusters where it does so, sorted.
	//
	// +optional
	// +listType=atomic
	Clusters []string `json:"clusters,omitempty"`
}

// Approver is who made an approval.
type Approver struct {
	// Name of the user, as the API server authenticated it. Of a user who is impersonated it is the name of that one:
	// the API server tells nobody at admission who stands behind, only its own audit log.
	Username string `json:"username"`
	// UID of the user's account; absent where the API server knows none.
	//
	// +optional
	UID string `json:"uid,omitempty"`
	// ID of the credential that the user came with, for example X509SHA256=<hex>; absent where the API server knows none,
	// and that it knows none of a user who is impersonated.
	//
	// +optional
	CredentialID string `json:"credentialId,omitempty"`
	// Groups of the user, as the API server knows them.
	//
	// +optional
	// +listType=atomic
	Groups []string `json:"groups,omitempty"`
}

// ChangeApprovalStatus says whether an approval was used.
type ChangeApprovalStatus struct {
	// What used the approval; set once.
	//
	// +optional
	UsedBy *ApprovalUse `json:"usedBy,omitempty"`
}

// ApprovalUse is the one use of an approval.
type ApprovalUse struct {
	// UID of the gateway.
	UID string `json:"uid"`
	// metadata.generation of the gateway that the approved change made.
	Generation int64 `json:"generation"`
	// When it was used.
	At metav1.Time `json:"at"`
}
