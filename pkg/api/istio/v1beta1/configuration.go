package v1beta1

import (
	corev1 "k8s.io/api/core/v1"
)

// IstioGatewayBasicConfiguration is what can be said of a gateway in one cluster. The API accepts all of
// it under spec and, by type, under spec.overrides.<clusterId>.
//
// +kubebuilder:validation:XValidation:rule="!has(self.minReplicas) || !has(self.maxReplicas) || self.minReplicas <= self.maxReplicas",message="minReplicas must not be above maxReplicas"
// +kubebuilder:validation:XValidation:rule="!has(self.rollingMaxSurge) || !has(self.rollingMaxUnavailable) || !(self.rollingMaxSurge in ['0', '0%']) || !(self.rollingMaxUnavailable in ['0', '0%'])",message="rollingMaxSurge and rollingMaxUnavailable must not both be zero: no pod could ever be replaced"
type IstioGatewayBasicConfiguration struct {
	Scaling      `json:",inline"`
	Exposure     `json:",inline"`
	PodSettings  `json:",inline"`
	Undocumented `json:",inline"`

	// Compresses responses on an ingress gateway. Envoy configuration: changing it restarts nothing.
	//
	// +optional
	Compression *CompressorConfiguration `json:"compression,omitempty"`
	// Also creates an Istio Gateway resource of the same name with a server for each port. Default: false.
	//
	// +optional
	AutoCreateGatewayYaml *bool `json:"autoCreateGatewayYaml,omitempty"`
}

// Undocumented holds fields of the type that nothing documented reads. They are kept so that objects
// which carry them are not refused or changed.
type Undocumented struct {
	// Secret discovery service of old mesh versions. Nothing reads it: certificates come by SDS always.
	//
	// +optional
	SDS *GatewaySDSConfiguration `json:"sds,omitempty"`
	// Ports for mesh expansion in old mesh versions. Nothing reads it: list such ports under ports.
	//
	// +optional
	// +listType=atomic
	MeshExpansionPorts []corev1.ServicePort `json:"meshExpansionPorts,omitempty"`
	// Ports of the application, of old mesh versions. Nothing reads it.
	//
	// +optional
	ApplicationPorts *string `json:"applicationPorts,omitempty"`
	// Networks whose endpoints the gateway asks for, of old mesh versions. Nothing reads it.
	//
	// +optional
	RequestedNetworkView *string `json:"requestedNetworkView,omitempty"`
}

// GatewaySDSConfiguration is the secret discovery sidecar of old mesh versions.
type GatewaySDSConfiguration struct {
	// Whether the sidecar was wanted. Nothing reads it.
	//
	// +optional
	Enabled *bool `json:"enabled,omitempty"`
	// The sidecar's image. Nothing reads it.
	//
	// +optional
	Image *string `json:"image,omitempty"`
	// The sidecar's resources. Nothing reads it.
	//
	// +optional
	Resources *corev1.ResourceRequirements `json:"resources,omitempty"`
}
