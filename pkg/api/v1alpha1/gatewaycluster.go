package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// GatewayCluster registers a Kubernetes cluster that gateways may be placed in. Its name is the cluster's
// ID, as spec.clusterIds of an IstioGateway writes it.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:scope=Cluster,shortName=gwc
// +kubebuilder:printcolumn:name="Local",type=boolean,JSONPath=`.spec.local`
// +kubebuilder:printcolumn:name="Reachable",type=string,JSONPath=`.status.conditions[?(@.type=="Reachable")].status`
// +kubebuilder:printcolumn:name="Fenced",type=string,JSONPath=`.status.conditions[?(@.type=="Fenced")].status`
// +kubebuilder:printcolumn:name="Mesh",type=string,JSONPath=`.spec.mesh.version`
// +kubebuilder:printcolumn:name="Kubernetes",type=string,JSONPath=`.status.facts.kubernetesVersion`
// +kubebuilder:printcolumn:name="Virtual Nodes",type=string,JSONPath=`.status.facts.virtualNodes`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type GatewayCluster struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// Where the cluster is and what is known of it beforehand.
	Spec GatewayClusterSpec `json:"spec,omitempty"`
	// What was found out about the cluster.
	Status GatewayClusterStatus `json:"status,omitempty"`
}

// GatewayClusterList is a list of GatewayClusters.
//
// +kubebuilder:object:root=true
type GatewayClusterList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	Items []GatewayCluster `json:"items"`
}

// GatewayClusterSpec says where a cluster is and what is known of it beforehand.
//
// +kubebuilder:validation:XValidation:rule="(has(self.local) && self.local) != has(self.kubeconfigSecret)",message="exactly one of local: true and kubeconfigSecret must be set"
type GatewayClusterSpec struct {
	// Whether this is the cluster that Portcullis runs in.
	//
	// +optional
	Local *bool `json:"local,omitempty"`
	// Secret with a kubeconfig for the cluster, as istioctl create-remote-secret makes it: the cluster's ID
	// is the key, the kubeconfig the value.
	//
	// +optional
	KubeconfigSecret *SecretReference `json:"kubeconfigSecret,omitempty"`
	// Whether gateways with the annotation asm.alibabacloud.com/managed-by-asm: 'true' are placed here.
	// At most one cluster should say so; of several, the first by name is taken. Default: false.
	//
	// +optional
	Managed *bool `json:"managed,omitempty"`
	// What gateway pods need to know of the mesh in this cluster.
	//
	// +optional
	Mesh *MeshProfile `json:"mesh,omitempty"`
	// Facts stated beforehand; they win over those found out.
	//
	// +optional
	Facts *ClusterFacts `json:"facts,omitempty"`
}

// SecretReference names a Secret.
type SecretReference struct {
	// Namespace of the Secret.
	//
	// +kubebuilder:validation:MinLength=1
	Namespace string `json:"namespace"`
	// Name of the Secret.
	//
	// +kubebuilder:validation:MinLength=1
	Name string `json:"name"`
}

// MeshProfile is what rendering needs to know of the mesh in a cluster. An unset field takes the default
// that its comment names.
type MeshProfile struct {
	// Version of the mesh, for example 1.26.0.1; gates what the mesh can do. Default: 1.26.0.
	//
	// +optional
	// +kubebuilder:validation:Pattern=`^[0-9]+(\.[0-9]+){1,3}$`
	Version string `json:"version,omitempty"`
	// Revision of the control plane that pods connect to. Default: default.
	//
	// +optional
	Revision string `json:"revision,omitempty"`
	// Proxy image, pinned by tag or digest. Default: docker.io/istio/proxyv2:1.26.0.
	//
	// +optional
	ProxyImage string `json:"proxyImage,omitempty"`
	// Names of Secrets, in the gateway's namespace, that hold credentials for the image's registry.
	//
	// +optional
	// +listType=set
	ImagePullSecrets []string `json:"imagePullSecrets,omitempty"`
	// Address of the certificate authority. Default: istiod.istio-system.svc:15012, or
	// istiod-<revision>.istio-system.svc:15012 for another revision than default.
	//
	// +optional
	CAAddress string `json:"caAddress,omitempty"`
	// Trust domain of the mesh. Default: cluster.local.
	//
	// +optional
	TrustDomain string `json:"trustDomain,omitempty"`
	// DNS domain of the cluster. Default: cluster.local.
	//
	// +optional
	ClusterDomain string `json:"clusterDomain,omitempty"`
	// ID of the mesh. Default: the trust domain.
	//
	// +optional
	MeshID string `json:"meshID,omitempty"`
	// Network that the cluster's pods are in, in a mesh of several networks. Default: none.
	//
	// +optional
	Network string `json:"network,omitempty"`
	// Environment that every proxy of the mesh gets (proxyMetadata of Istio's ProxyConfig). Default: none.
	//
	// +optional
	ProxyMetadata map[string]string `json:"proxyMetadata,omitempty"`
	// Whether the injector of the mesh's control plane completes gateway pods when they start, as Istio's own gateway
	// charts have it (image: auto). It brings the proxy image and all that it knows of the mesh, so that proxyImage,
	// caAddress, trustDomain, clusterDomain, meshID, network and proxyMetadata are not read. Which proxy runs is then
	// decided whenever a pod happens to start, and nobody can foresee or hold it. Default: false.
	//
	// +optional
	Injection bool `json:"injection,omitempty"`
	// Whether gateway pods may have a privileged init container, which sets the kernel parameters of the whole node that a
	// gateway asks for: a pod's own settings cannot. Whoever may write gateways may then change the nodes that their pods
	// run on. Default: false.
	//
	// +optional
	PrivilegedInit bool `json:"privilegedInit,omitempty"`
}

// VirtualNodes says how many of a cluster's nodes are virtual.
//
// +kubebuilder:validation:Enum=None;Some;All
type VirtualNodes string

// What a cluster's nodes can be.
const (
	// VirtualNodesNone: every node is a machine.
	VirtualNodesNone VirtualNodes = "None"
	// VirtualNodesSome: machines and virtual nodes are mixed.
	VirtualNodesSome VirtualNodes = "Some"
	// VirtualNodesAll: the cluster is serverless; there is nothing but virtual nodes.
	VirtualNodesAll VirtualNodes = "All"
)

// ClusterFacts are what a rule may want to know of a cluster.
type ClusterFacts struct {
	// Version of Kubernetes, for example v1.36.3.
	//
	// +optional
	KubernetesVersion string `json:"kubernetesVersion,omitempty"`
	// Kernel versions of the nodes, sorted, each once.
	//
	// +optional
	// +listType=set
	KernelVersions []string `json:"kernelVersions,omitempty"`
	// How many of the nodes are virtual: None, Some or All.
	//
	// +optional
	VirtualNodes VirtualNodes `json:"virtualNodes,omitempty"`
	// Number of nodes.
	//
	// +optional
	Nodes *int32 `json:"nodes,omitempty"`
	// Whether Services of type LoadBalancer get an address.
	//
	// +optional
	LoadBalancer *bool `json:"loadBalancer,omitempty"`
}

// GatewayClusterStatus is what was found out about a cluster.
type GatewayClusterStatus struct {
	// Conditions of the cluster: Reachable, and Fenced where the controller closes the back door.
	//
	// +optional
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty"`
	// Facts as found out.
	//
	// +optional
	Facts *ClusterFacts `json:"facts,omitempty"`
	// What tells the cluster from every other, by whichever address it is reached: the UID of its namespace kube-system.
	// Unknown where that may not be read, or is not there: then it cannot be told whether the cluster is registered twice.
	//
	// +optional
	Identity string `json:"identity,omitempty"`
}

// IdentityUnknown is the identity of a cluster that does not tell it.
const IdentityUnknown = "Unknown"

// ConditionFenced says whether a cluster's API server keeps everybody but the controller and the cluster's own machinery
// from changing what gateways are made of.
const ConditionFenced = "Fenced"

// ConditionReachable says whether a cluster's API server answers.
const ConditionReachable = "Reachable"
