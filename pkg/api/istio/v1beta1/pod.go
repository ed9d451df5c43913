package v1beta1

import (
	corev1 "k8s.io/api/core/v1"
)

// PodSettings is what goes into a gateway's pod template. Changing any of it restarts every pod of the
// gateway, in every cluster that the change reaches.
type PodSettings struct {
	// Labels of the pods, beside those that Portcullis sets. Restarts pods.
	//
	// +optional
	PodLabels map[string]string `json:"podLabels,omitempty"`
	// Annotations of the pods. Restarts pods.
	//
	// +optional
	PodAnnotations map[string]string `json:"podAnnotations,omitempty"`
	// CPU and memory of the proxy container. Default: requests 200m and 256Mi, limits 2 and 2G. Restarts pods.
	//
	// +optional
	Resources *corev1.ResourceRequirements `json:"resources,omitempty"`
	// Environment of the proxy container, after Istio's own. Restarts pods.
	//
	// +optional
	// +listType=map
	// +listMapKey=name
	EnvVars []corev1.EnvVar `json:"env,omitempty"`
	// Node labels that a pod's node must have. Restarts pods.
	//
	// +optional
	NodeSelector map[string]string `json:"nodeSelector,omitempty"`
	// Scheduling affinity of the pods. Restarts pods.
	//
	// +optional
	Affinity *corev1.Affinity `json:"affinity,omitempty"`
	// Taints that the pods tolerate. Restarts pods.
	//
	// +optional
	// +listType=atomic
	Tolerations []corev1.Toleration `json:"tolerations,omitempty"`
	// Secrets mounted into the proxy container, read-only and optional. Restarts pods.
	//
	// +optional
	// +listType=map
	// +listMapKey=name
	SecretVolumes []SecretVolume `json:"secretVolumes,omitempty"`
	// ConfigMaps mounted into the proxy container, read-only and optional. Restarts pods.
	//
	// +optional
	// +listType=map
	// +listMapKey=name
	ConfigVolumes []ConfigVolume `json:"configVolumes,omitempty"`
	// Kernel parameters of the pods. Restarts pods.
	//
	// +optional
	Kernel *KernelConfiguration `json:"kernel,omitempty"`
	// Whether the proxy runs as root. false and unset run it as user 1337 without any capability; ports
	// below 1024 work either way unless hostNetwork is on. Restarts pods.
	//
	// +optional
	RunAsRoot *bool `json:"runAsRoot,omitempty"`
	// Lifecycle hooks of the proxy container. Restarts pods.
	//
	// +optional
	Lifecycle *corev1.Lifecycle `json:"lifecycle,omitempty"`
	// Numbers of the readiness probe; its path and port are fixed. Restarts pods.
	//
	// +optional
	ReadinessProbe *ReadinessProbeConfiguration `json:"readinessProbe,omitempty"`
	// Whether the pods use their node's network. Two such pods cannot share a node. Default: false.
	// Restarts pods.
	//
	// +optional
	HostNetwork *bool `json:"hostNetwork,omitempty"`
	// DNS policy of the pods. Default: ClusterFirst, and ClusterFirstWithHostNet with hostNetwork.
	// Restarts pods.
	//
	// +optional
	// +kubebuilder:validation:Enum=ClusterFirst;ClusterFirstWithHostNet;Default;None
	DNSPolicy *corev1.DNSPolicy `json:"dnsPolicy,omitempty"`
	// Whether the Service's ports are left out of the pod template, so that changing ports restarts
	// nothing. Default: true from mesh version 1.16, false before. Restarts pods when changed.
	//
	// +optional
	DisableContainerPortExposed *bool `json:"disableContainerPortExposed,omitempty"`
}

// ReadinessProbeConfiguration is what can be tuned of the readiness probe, GET /healthz/ready on 15021.
type ReadinessProbeConfiguration struct {
	// Failures in a row after which a pod is taken out of the Service. Default: 4.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	FailureThreshold *int32 `json:"failureThreshold,omitempty"`
	// Seconds between two probes. Default: 15.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	PeriodSeconds *int32 `json:"periodSeconds,omitempty"`
	// Successes in a row after which a pod is put into the Service. Default: 1.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	SuccessThreshold *int32 `json:"successThreshold,omitempty"`
}

// SecretVolume mounts one Secret of the gateway's namespace.
type SecretVolume struct {
	// Name of the volume; a DNS label, unique in the gateway.
	//
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Name string `json:"name"`
	// Name of the Secret.
	//
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	SecretName string `json:"secretName"`
	// Absolute path in the proxy container.
	//
	// +kubebuilder:validation:MinLength=1
	MountPath string `json:"mountPath"`
}

// ConfigVolume mounts one ConfigMap of the gateway's namespace.
type ConfigVolume struct {
	// Name of the volume; a DNS label, unique in the gateway.
	//
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Name string `json:"name"`
	// Name of the ConfigMap.
	//
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	ConfigMapName string `json:"configMapName"`
	// Absolute path in the proxy container.
	//
	// +kubebuilder:validation:MinLength=1
	MountPath string `json:"mountPath"`
}
