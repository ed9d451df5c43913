// Package v1 serves IstioGateway under the version that newer ASM pages write. Its shape is v1beta1's;
// the API server converts between the two by the version's name alone.
//
// +kubebuilder:object:generate=true
// +groupName=istio.alibabacloud.com
package v1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
)

// GroupVersion is the group and version of the types in this package.
var GroupVersion = schema.GroupVersion{Group: "istio.alibabacloud.com", Version: "v1"}

// AddToScheme registers the types of this package in a scheme.
func AddToScheme(scheme *runtime.Scheme) error {
	scheme.AddKnownTypes(GroupVersion, &IstioGateway{}, &IstioGatewayList{})
	metav1.AddToGroupVersion(scheme, GroupVersion)
	return nil
}

// IstioGateway declares one ingress or egress gateway of the mesh. Its Deployment and Service are
// named istio-<name> in every cluster that clusterIds names.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:path=istiogateways,singular=istiogateway,shortName=igw,scope=Namespaced
// +kubebuilder:printcolumn:name="Type",type=string,JSONPath=`.spec.gatewayType`
// +kubebuilder:printcolumn:name="Clusters",type=string,JSONPath=`.spec.clusterIds`
// +kubebuilder:printcolumn:name="Addresses",type=string,JSONPath=`.status.GatewayAddress`
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Restart Pending",type=string,JSONPath=`.status.conditions[?(@.type=="RestartPending")].status`
// +kubebuilder:printcolumn:name="Status",type=string,JSONPath=`.status.Status`,priority=1
// +kubebuilder:printcolumn:name="Message",type=string,JSONPath=`.status.ErrorMessage`,priority=1
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type IstioGateway struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// What the gateway should be.
	Spec v1beta1.IstioGatewaySpec `json:"spec,omitempty"`
	// What the gateway is, as last observed by the controller.
	Status v1beta1.IstioGatewayStatus `json:"status,omitempty"`
}

// IstioGatewayList is a list of IstioGateways.
//
// +kubebuilder:object:root=true
type IstioGatewayList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	Items []IstioGateway `json:"items"`
}
