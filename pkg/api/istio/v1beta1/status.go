package v1beta1

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"portcullis.dev/portcullis/pkg/api/v1alpha1"
)

// IstioGatewayStatus is what a gateway is, as last observed. The four capitalised fields are ASM's own and
// keep their meaning; the others are Portcullis's.
type IstioGatewayStatus struct {
	// One word for people: Running when ready in every cluster, Pending, Terminating or Failed otherwise.
	//
	// +optional
	Status string `json:"Status,omitempty"`
	// Every address of the gateway, of all clusters, sorted.
	//
	// +optional
	// +listType=atomic
	GatewayAddress []string `json:"GatewayAddress,omitempty"`
	// The cluster of each address, sorted by cluster and address.
	//
	// +optional
	// +listType=atomic
	ClusterIDGatewayAddressMap []ClusterGatewayAddress `json:"ClusterIdGatewayAddressMap,omitempty"`
	// What is wrong, for people; empty when nothing is.
	//
	// +optional
	ErrorMessage string `json:"ErrorMessage,omitempty"`

	// metadata.generation that this status speaks of: after an edit the one before, until every cluster has it.
	//
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
	// Conditions of the gateway over all its clusters: Accepted, Reconciled, Ready, AddressAssigned,
	// RestartPending, Paused, Conflict and DeletionBlocked, MetricsExported where metrics are exported, and Compliant where
	// gateways are audited.
	//
	// +optional
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty"`
	// The gateway in each cluster that it is, or has been and is not yet gone from. An entry is written
	// before anything is applied in its cluster, and leaves when nothing is left there.
	//
	// +optional
	// +listType=map
	// +listMapKey=clusterId
	Clusters []ClusterStatus `json:"clusters,omitempty"`
	// The clusters that the gateway's metrics go to, or went to and are not yet gone from. An entry is written before
	// anything is applied there, and leaves when nothing is left.
	//
	// +optional
	// +listType=map
	// +listMapKey=clusterId
	Exports []MetricsExport `json:"exports,omitempty"`
	// The restart that is held until somebody approves it; absent when nothing is held.
	//
	// +optional
	Pending *PendingRestart `json:"pending,omitempty"`
	// How much the rules in force have to say of the gateway, as last audited; absent where nothing could be decided yet.
	//
	// +optional
	Audit *AuditStatus `json:"audit,omitempty"`
}

// AuditStatus counts what the rules in force would say of a gateway if it were made now.
type AuditStatus struct {
	// Findings that would refuse it.
	Denials int32 `json:"denials"`
	// Findings that would be warned of.
	Warnings int32 `json:"warnings"`
	// Findings that would only be recorded.
	Audits int32 `json:"audits"`
}

// ClusterGatewayAddress is one address of a gateway in one cluster.
type ClusterGatewayAddress struct {
	// IP address or host name.
	IPAddress string `json:"ipAddress"`
	// The cluster's ID.
	ClusterID string `json:"clusterId"`
}

// ClusterState is one word for how a gateway is in one cluster.
//
// +kubebuilder:validation:Enum=Pending;Applied;Ready;Failed;Deleting
type ClusterState string

// The states of a gateway in one cluster.
const (
	// ClusterPending: nothing has been applied yet.
	ClusterPending ClusterState = "Pending"
	// ClusterApplied: all objects are applied, pods are not all available yet.
	ClusterApplied ClusterState = "Applied"
	// ClusterReady: all objects are applied and the wanted pods are available.
	ClusterReady ClusterState = "Ready"
	// ClusterFailed: an object could not be applied or removed; message says which and why.
	ClusterFailed ClusterState = "Failed"
	// ClusterDeleting: the gateway is on its way out of the cluster.
	ClusterDeleting ClusterState = "Deleting"
)

// ClusterStatus is a gateway in one cluster.
type ClusterStatus struct {
	// The cluster's ID, the name of its GatewayCluster.
	ClusterID string `json:"clusterId"`
	// One word for how the gateway is there.
	State ClusterState `json:"state"`
	// What is wrong there, for people; empty when nothing is.
	//
	// +optional
	Message string `json:"message,omitempty"`
	// metadata.generation that was last applied there.
	//
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
	// Fingerprint, sha256:<hex>, of what of the gateway was last applied there, but for what is held. An edit of an
	// annotation that decides what runs shows here and not in the generation.
	//
	// +optional
	Fingerprint string `json:"fingerprint,omitempty"`
	// Pods wanted by the Deployment, whoever decided the number.
	//
	// +optional
	Replicas int32 `json:"replicas,omitempty"`
	// Pods that are ready.
	//
	// +optional
	ReadyReplicas int32 `json:"readyReplicas,omitempty"`
	// Type of the Service that is applied there.
	//
	// +optional
	ServiceType corev1.ServiceType `json:"serviceType,omitempty"`
	// Addresses of the load balancers there, sorted.
	//
	// +optional
	// +listType=atomic
	Addresses []string `json:"addresses,omitempty"`
	// Names of the Services there whose load balancers have no address yet.
	//
	// +optional
	// +listType=atomic
	Unassigned []string `json:"unassigned,omitempty"`
	// Addresses that the load balancer there had and has no longer, the last that went first, at most ten.
	//
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=10
	PastAddresses []PastAddress `json:"pastAddresses,omitempty"`
	// Mesh profile that the objects there were rendered with. It is pinned: a newer one of the cluster that would restart
	// pods is held until it is approved.
	//
	// +optional
	Mesh *v1alpha1.MeshProfile `json:"mesh,omitempty"`
	// Version of the renderer that made the pods there; pinned like the profile.
	//
	// +optional
	Renderer int64 `json:"renderer,omitempty"`
	// What the gateway's overrides make of its spec there: the fields that they state, with the values that hold. Absent
	// where nothing is overridden.
	//
	// +optional
	Effective *EffectiveOverride `json:"effective,omitempty"`
	// The restart that is held there; absent when none is.
	//
	// +optional
	Held *HeldRestart `json:"held,omitempty"`
	// Nothing is written there, because somebody paused the gateway there.
	//
	// +optional
	Paused bool `json:"paused,omitempty"`
	// What is not as the gateway says there and waits for the end of the pause, one object an item.
	//
	// +optional
	// +listType=atomic
	Waiting []string `json:"waiting,omitempty"`
	// What the gateway asks for and is not there because the cluster lacks its kind, one object an item; everything else is
	// applied. It is tried again, and made when the kind is there.
	//
	// +optional
	// +listType=atomic
	Lacking []string `json:"lacking,omitempty"`
	// Objects there that have the names of ours and are somebody else's, one an item; with the annotation
	// portcullis.dev/adopt: DryRun, what taking them would change.
	//
	// +optional
	// +listType=atomic
	Foreign []string `json:"foreign,omitempty"`
	// Objects applied there, in the order of their application.
	//
	// +optional
	// +listType=atomic
	Objects []ObjectReference `json:"objects,omitempty"`
}

// PastAddress is an address that a gateway had in a cluster.
type PastAddress struct {
	// IP address or host name.
	Address string `json:"address"`
	// When it was first seen to be gone.
	Until metav1.Time `json:"until"`
}

// MetricsExport is one cluster that a gateway's metrics go to: a Service there leads to the pods, wherever they run.
type MetricsExport struct {
	// The cluster's ID, the name of its GatewayCluster.
	ClusterID string `json:"clusterId"`
	// One word for how the export is: Pending, Applied, Failed or Deleting.
	State ClusterState `json:"state"`
	// What is wrong, for people; empty when nothing is.
	//
	// +optional
	Message string `json:"message,omitempty"`
	// Addresses of pods whose metrics can be had there.
	//
	// +optional
	Endpoints int32 `json:"endpoints,omitempty"`
	// Objects applied there.
	//
	// +optional
	// +listType=atomic
	Objects []ObjectReference `json:"objects,omitempty"`
}

// ObjectReference names one applied object; all lie in the gateway's namespace.
type ObjectReference struct {
	// API version, for example apps/v1.
	APIVersion string `json:"apiVersion"`
	// Kind, for example Deployment.
	Kind string `json:"kind"`
	// Name.
	Name string `json:"name"`
}

// The condition types of a gateway.
const (
	// ConditionAccepted: every cluster that the gateway names is registered.
	ConditionAccepted = "Accepted"
	// ConditionReconciled: every object is applied, in every cluster, for this generation.
	ConditionReconciled = "Reconciled"
	// ConditionReady: the wanted pods are available, in every cluster.
	ConditionReady = "Ready"
	// ConditionAddressAssigned: every LoadBalancer Service has an address.
	ConditionAddressAssigned = "AddressAssigned"
	// ConditionRestartPending: a change that would restart pods is held until it is approved.
	ConditionRestartPending = "RestartPending"
	// ConditionPaused: the controller writes nothing because somebody asked it not to.
	ConditionPaused = "Paused"
	// ConditionConflict: an object that is somebody else's has the name of one of ours.
	ConditionConflict = "Conflict"
	// ConditionMetricsExported: the gateway's metrics can be had in the cluster that they go to; not there where none is
	// named.
	ConditionMetricsExported = "MetricsExported"
	// ConditionDeletionBlocked: the gateway cannot go because something is left in a cluster.
	ConditionDeletionBlocked = "DeletionBlocked"
	// ConditionCompliant: the rules in force would admit the gateway if it were made now.
	ConditionCompliant = "Compliant"
)
