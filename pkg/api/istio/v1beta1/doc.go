// Package v1beta1 holds IstioGateway as it is stored: the custom resource of Alibaba Cloud Service
// Mesh (ASM) with which a team declares one ingress or egress gateway in one or more clusters.
//
// The field names, types and documented values follow ASM's CRD reference and its public Go types;
// https://www.alibabacloud.com/help/en/asm/sidecar/crd-fields-for-an-asm-gateway
//
// +kubebuilder:object:generate=true
// +groupName=istio.alibabacloud.com
package v1beta1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// GroupVersion is the group and version of the types in this package.
var GroupVersion = schema.GroupVersion{Group: "istio.alibabacloud.com", Version: "v1beta1"}

// AddToScheme registers the types of this package in a scheme.
func AddToScheme(scheme *runtime.Scheme) error {
	scheme.AddKnownTypes(GroupVersion, &IstioGateway{}, &IstioGatewayList{})
	metav1.AddToGroupVersion(scheme, GroupVersion)
	return nil
}
