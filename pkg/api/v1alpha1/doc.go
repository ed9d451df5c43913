// Package v1alpha1 holds Portcullis's own kinds: the clusters that gateways are placed in, approvals of
// disruptive changes, and policies of a platform team.
//
// +kubebuilder:object:generate=true
// +groupName=portcullis.dev
package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// GroupVersion is the group and version of the types in this package.
var GroupVersion = schema.GroupVersion{Group: "portcullis.dev", Version: "v1alpha1"}

// AddToScheme registers the types of this package in a scheme.
func AddToScheme(scheme *runtime.Scheme) error {
	scheme.AddKnownTypes(GroupVersion,
		&GatewayCluster{}, &GatewayClusterList{},
		&ChangeApproval{}, &ChangeApprovalList{},
		&GatewayPolicy{}, &GatewayPolicyList{},
	)
	metav1.AddToGroupVersion(scheme, GroupVersion)
	return nil
}
