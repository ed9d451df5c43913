package v1alpha1

import (
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// GatewayPolicy adds a platform team's own rules to the built-in ones, and says how strictly and with which
// parameters rules hold for the gateways that it matches.
//
// Where several policies match one gateway all of them hold: the strictest enforcement of a rule wins, and a
// parameter that two of them want to be different is refused when the second is stored. Labels of a gateway that
// decide which policies match are the platform team's to change (rule policy_labels), and a change of them is judged
// by the policies of both the old and the new labels.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:scope=Cluster,shortName=gwp
// +kubebuilder:printcolumn:name="Active",type=string,JSONPath=`.status.conditions[?(@.type=="Active")].status`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.conditions[?(@.type=="Active")].reason`
// +kubebuilder:printcolumn:name="Enforcement",type=string,JSONPath=`.spec.enforcement`
// +kubebuilder:printcolumn:name="Message",type=string,priority=1,JSONPath=`.status.conditions[?(@.type=="Active")].message`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:validation:XValidation:rule="!has(self.spec) || !has(self.spec.modules) || size(self.spec.modules) == 0 || self.metadata.name.matches('^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$')",message="metadata.name must be a DNS label that begins with a letter, for the packages of modules are named after it"
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
//
// +kubebuilder:validation:XValidation:rule="!has(self.tests) || size(self.tests) == 0 || (has(self.modules) && size(self.modules) > 0)",message="must have modules to test",fieldPath=".tests"
// +kubebuilder:validation:XValidation:rule="!has(self.enforcement) || (has(self.modules) && size(self.modules) > 0)",message="is of this policy's own modules and must come with some; for a built-in rule use enforcements",fieldPath=".enforcement"
type GatewayPolicySpec struct {
	// What a violation of this policy's own modules does. Default: Deny.
	//
	// +optional
	Enforcement *Enforcement `json:"enforcement,omitempty"`
	// What a violation of single rules does, by the rule's code: of built-in rules, and of this policy's own. What a
	// rule itself only warns of is never made more of than a warning.
	//
	// +optional
	// +kubebuilder:validation:MaxProperties=256
	Enforcements map[string]Enforcement `json:"enforcements,omitempty"`
	// Gateways that the policy holds for. Default: all.
	//
	// +optional
	Match *PolicyMatch `json:"match,omitempty"`
	// Parameters of built-in rules and of this policy's own, by the rule's code. They are merged over the built-in
	// ones and those of the configuration: objects key by key, anything else as a whole.
	//
	// +optional
	// +kubebuilder:validation:MaxProperties=256
	Parameters map[string]apiextensionsv1.JSON `json:"parameters,omitempty"`
	// Rego modules, by file name. With the policy's name p, hyphens written as underscores, their packages are
	// own.p.validate.<rule>, own.p.mutate.<rule> and, for what rules share, own.p.lib.<name>. They may read input,
	// data.lib, data.parameters and data.own.p.
	//
	// +optional
	// +kubebuilder:validation:MaxProperties=64
	// +kubebuilder:validation:XValidation:rule="self.all(name, name.endsWith('.rego') && !name.endsWith('_test.rego'))",message="names must end in .rego and not in _test.rego"
	Modules map[string]string `json:"modules,omitempty"`
	// Rego tests of the modules, by file name. A policy whose tests fail is not stored. Their packages are named
	// after what they test, with _test at the end.
	//
	// +optional
	// +kubebuilder:validation:MaxProperties=64
	// +kubebuilder:validation:XValidation:rule="self.all(name, name.endsWith('_test.rego'))",message="names must end in _test.rego"
	Tests map[string]string `json:"tests,omitempty"`
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

// ConditionActive is True when every replica of the webhook runs the policy as it is stored now, so that
// kubectl wait --for=condition=Active says when it holds for whatever is applied next.
const ConditionActive = "Active"

// Reasons of ConditionActive.
const (
	// ReasonRunning says that every replica runs this generation.
	ReasonRunning = "Running"
	// ReasonRollingOut says that some replica does not run this generation yet.
	ReasonRollingOut = "RollingOut"
	// ReasonRefused says that some replica cannot run this generation; its message says why, and the replica goes on
	// with the last good set of rules.
	ReasonRefused = "Refused"
)

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
	// metadata.generation of the policy that the replica runs; 0 when it runs none.
	ObservedGeneration int64 `json:"observedGeneration"`
	// Revision of all rules that the replica decides by, as decisions name it.
	//
	// +optional
	Revision string `json:"revision,omitempty"`
	// Why the replica does not run the policy as it is stored now.
	//
	// +optional
	Message string `json:"message,omitempty"`
}
