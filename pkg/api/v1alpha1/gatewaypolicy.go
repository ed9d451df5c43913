package v1alpha1

import (
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// GatewayPolicy adds a platform team's own rules to the built-in ones, and says how strictly and with which
// parameters rules hold for the gateways that it matches.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:scope=Cluster,shortName=gwp
// +kubebuilder:printcolumn:name="Enforcement",type=string,JSONPath=`.spec.enforcement`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type GatewayPolicy struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// The rules, their parameters and the gateways that they hold for.
	Spec GatewayPolicySpec `json:"spec,omitempty"`
	// Which replicas run which generation.
	Status GatewayPolicyStatus `json:"status,omitempty"`
}

// GatewayPolicyList is a list of GatewayPolicies.
//
// +kubebuilder:object:root=true
type GatewayPolicyList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	Items []GatewayPolicy `json:"items"`
}

// Enforcement is what a violation does.
//
// +kubebuilder:validation:Enum=Deny;Warn;Audit
type Enforcement string

// What a violation can do.
const (
	// EnforcementDeny refuses the request.
	EnforcementDeny Enforcement = "Deny"
	// EnforcementWarn lets the request in with a warning.
	EnforcementWarn Enforcement = "Warn"
	// EnforcementAudit lets the request in and records the violation.
	EnforcementAudit Enforcement = "Audit"
)

// GatewayPolicySpec is what a policy adds and changes, and where.
type GatewayPolicySpec struct {
	// What a violation of this policy's own modules does. Default: Deny.
	//
	// +optional
	Enforcement *Enforcement `json:"enforcement,omitempty"`
	// Gateways that the policy holds for. Default: all.
	//
	// +optional
	Match *PolicyMatch `json:"match,omitempty"`
	// Parameters of built-in and own rules, by the rule's code.
	//
	// +optional
	Parameters map[string]apiextensionsv1.JSON `json:"parameters,omitempty"`
	// Rego modules, by file name.
	//
	// +optional
	Modules map[string]string `json:"modules,omitempty"`
}

// PolicyMatch selects gateways; all that is set must hold.
type PolicyMatch struct {
	// Namespaces of the gateways. Default: all.
	//
	// +optional
	// +listType=set
	Namespaces []string `json:"namespaces,omitempty"`
	// Labels of the gateways. Default: all.
	//
	// +optional
	Labels *metav1.LabelSelector `json:"labels,omitempty"`
}

// GatewayPolicyStatus says which replicas run which generation of a policy.
type GatewayPolicyStatus struct {
	// Conditions of the policy.
	//
	// +optional
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty"`
	// Replicas of the webhook, and what they run.
	//
	// +optional
	// +listType=map
	// +listMapKey=name
	Replicas []PolicyReplica `json:"replicas,omitempty"`
}

// PolicyReplica is one replica of the webhook and the generation of the policy that it runs.
type PolicyReplica struct {
	// Name of the replica's pod.
	Name string `json:"name"`
	// metadata.generation of the policy that the replica runs.
	ObservedGeneration int64 `json:"observedGeneration"`
}
