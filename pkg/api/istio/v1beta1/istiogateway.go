package v1beta1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// IstioGateway declares one ingress or egress gateway of the mesh. Its Deployment and Service are
// named istio-<name> in every cluster that clusterIds names.
//
// +kubebuilder:object:root=true
// +kubebuilder:storageversion
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
	Spec IstioGatewaySpec `json:"spec,omitempty"`
	// What the gateway is, as last observed by the controller.
	Status IstioGatewayStatus `json:"status,omitempty"`
}

// IstioGatewayList is a list of IstioGateways.
//
// +kubebuilder:object:root=true
type IstioGatewayList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	Items []IstioGateway `json:"items"`
}

// GatewayType says which way traffic goes through a gateway.
//
// +kubebuilder:validation:Enum=ingress;egress
type GatewayType string

// The gateway types that the API accepts.
const (
	// GatewayTypeIngress takes traffic into the mesh.
	GatewayTypeIngress GatewayType = "ingress"
	// GatewayTypeEgress lets traffic out of the mesh.
	GatewayTypeEgress GatewayType = "egress"
)

// IstioGatewaySpec is what a gateway should be: one configuration for all clusters, the clusters, and
// what differs in each of them.
type IstioGatewaySpec struct {
	// Which way traffic goes: ingress takes it into the mesh, egress lets it out. Default: ingress.
	//
	// +optional
	GatewayType *GatewayType `json:"gatewayType,omitempty"`

	IstioGatewayBasicConfiguration `json:",inline"`

	// IDs of the clusters to place the gateway in; each must be managed by this mesh, that is, be the
	// name of a GatewayCluster. Left out for a gateway with the annotation
	// asm.alibabacloud.com/managed-by-asm: 'true'. Removing an ID deletes the gateway in that cluster and
	// releases its load balancer address.
	//
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=256
	ClusterIDs []string `json:"clusterIds,omitempty"`

	// Per-cluster settings that replace those above; a key must be one of clusterIds. Honoured are
	// serviceAnnotations, podAnnotations, resources, replicaCount and, from mesh version 1.16, cpu,
	// memory, minReplicas, maxReplicas and serviceType. Others are refused, because they would be ignored.
	//
	// +optional
	// +kubebuilder:validation:MaxProperties=256
	Overrides map[string]IstioGatewayBasicConfiguration `json:"overrides,omitempty"`
}
