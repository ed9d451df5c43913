package v1beta1

import (
	corev1 "k8s.io/api/core/v1"
)

// Exposure is how a gateway is reached: its Service. None of it restarts pods, with one exception: before
// mesh version 1.16 ports are in the pod template too.
type Exposure struct {
	// Ports of the Service. protocol may also be an Istio protocol (HTTP, HTTPS, HTTP2, GRPC, TLS, …), which
	// the Service carries as TCP; targetPort 0 or none means the port's own number.
	//
	// +optional
	// +listType=map
	// +listMapKey=port
	// +listMapKey=protocol
	// +kubebuilder:validation:MaxItems=100
	Ports []corev1.ServicePort `json:"ports,omitempty"`
	// Type of the Service: ClusterIP, NodePort or LoadBalancer. Default: LoadBalancer. Changing it away
	// from LoadBalancer releases the public address.
	//
	// +optional
	// +kubebuilder:validation:Enum=ClusterIP;NodePort;LoadBalancer
	ServiceType *corev1.ServiceType `json:"serviceType,omitempty"`
	// Load balancer implementation, for example alibabacloud.com/nlb. Only with serviceType LoadBalancer;
	// cannot be changed on a live Service.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=253
	LoadBalancerClass *string `json:"loadBalancerClass,omitempty"`
	// Address to ask of the load balancer, where its provider can give one.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=45
	LoadBalancerIP *string `json:"loadBalancerIP,omitempty"`
	// Where traffic from outside may go: Cluster sends it to pods on any node, Local only to pods on the
	// node that it reached, and keeps the client's address. Ingress gateways only. Default: Cluster.
	//
	// +optional
	// +kubebuilder:validation:Enum=Cluster;Local
	ExternalTrafficPolicy *corev1.ServiceExternalTrafficPolicy `json:"externalTrafficPolicy,omitempty"`
	// Annotations of the Service, for a load balancer's settings. Applied when serviceType is LoadBalancer.
	//
	// +optional
	ServiceAnnotations map[string]string `json:"serviceAnnotations,omitempty"`
	// Labels of the Service, beside those that Portcullis sets.
	//
	// +optional
	ServiceLabels map[string]string `json:"serviceLabels,omitempty"`
}
