package v1beta1

import (
	corev1 "k8s.io/api/core/v1"
)

// EffectiveOverride is what of a spec may be another one in each cluster, with the values that hold in one: those of the
// spec with the override's over them. A field that the override does not state is absent, and so is one that the mesh
// there does not honour.
type EffectiveOverride struct {
	// Annotations of the Service.
	//
	// +optional
	ServiceAnnotations map[string]string `json:"serviceAnnotations,omitempty"`
	// Annotations of the pods.
	//
	// +optional
	PodAnnotations map[string]string `json:"podAnnotations,omitempty"`
	// Requests and limits of the proxy.
	//
	// +optional
	Resources *corev1.ResourceRequirements `json:"resources,omitempty"`
	// Number of pods while no autoscaler owns it.
	//
	// +optional
	ReplicaCount *int32 `json:"replicaCount,omitempty"`
	// Switch of the autoscaler.
	//
	// +optional
	AutoscaleEnabled *bool `json:"autoscaleEnabled,omitempty"`
	// Fewest pods that the autoscaler keeps.
	//
	// +optional
	MinReplicas *int32 `json:"minReplicas,omitempty"`
	// Most pods that the autoscaler makes.
	//
	// +optional
	MaxReplicas *int32 `json:"maxReplicas,omitempty"`
	// CPU target of the autoscaler.
	//
	// +optional
	CPU *HpaCPU `json:"cpu,omitempty"`
	// Memory target of the autoscaler.
	//
	// +optional
	Memory *HpaMemory `json:"memory,omitempty"`
	// Type of the Service.
	//
	// +optional
	ServiceType *corev1.ServiceType `json:"serviceType,omitempty"`
}
