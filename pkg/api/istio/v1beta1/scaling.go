package v1beta1

// Scaling is how many pods a gateway has and how they are replaced. None of it restarts pods.
type Scaling struct {
	// Number of pods while no autoscaler owns it. Default: 1. Lowering it ends connections on the pods
	// that go.
	//
	// +optional
	// +kubebuilder:validation:Minimum=0
	ReplicaCount *int32 `json:"replicaCount,omitempty"`
	// Switch of the upstream chart. An autoscaler is made when minReplicas or maxReplicas and a target are
	// set; false here turns it off all the same.
	//
	// +optional
	AutoscaleEnabled *bool `json:"autoscaleEnabled,omitempty"`
	// Fewest pods that the autoscaler keeps. Default: 1.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	MinReplicas *int32 `json:"minReplicas,omitempty"`
	// Most pods that the autoscaler makes. Without it no autoscaler is made.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	MaxReplicas *int32 `json:"maxReplicas,omitempty"`
	// CPU target of the autoscaler.
	//
	// +optional
	CPU *HpaCPU `json:"cpu,omitempty"`
	// Memory target of the autoscaler. Envoy's memory does not fall when a replica is added, so a memory
	// target tends to scale to maxReplicas and stay there.
	//
	// +optional
	Memory *HpaMemory `json:"memory,omitempty"`
	// Most pods above the wanted number during a rolling update: a number ("1") or a share ("25%").
	// Default: 100%.
	//
	// +optional
	// +kubebuilder:validation:Pattern=`^[0-9]+%?$`
	// +kubebuilder:validation:MaxLength=10
	RollingMaxSurge *string `json:"rollingMaxSurge,omitempty"`
	// Most pods missing from the wanted number during a rolling update: a number ("1") or a share ("25%").
	// Default: 25%.
	//
	// +optional
	// +kubebuilder:validation:Pattern=`^([0-9]+|[0-9]{1,2}%|100%)$`
	// +kubebuilder:validation:MaxLength=10
	RollingMaxUnavailable *string `json:"rollingMaxUnavailable,omitempty"`
}

// HpaCPU is the CPU target of the autoscaler.
type HpaCPU struct {
	// Average CPU use over all pods, in percent of the CPU request, above which pods are added.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100
	TargetAverageUtilization *int32 `json:"targetAverageUtilization,omitempty"`
}

// HpaMemory is the memory target of the autoscaler.
type HpaMemory struct {
	// Average memory use over all pods, in percent of the memory request, above which pods are added.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100
	TargetAverageUtilization *int32 `json:"targetAverageUtilization,omitempty"`
}
