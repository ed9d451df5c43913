package reconcile

import (
	"sync"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	crcluster "sigs.k8s.io/controller-runtime/pkg/cluster"
)

// FieldOwner is our name in server-side apply.
const FieldOwner = "portcullis"

// cluster writes to one Kubernetes cluster.
type cluster struct {
	// client writes, and reads from a cache that holds our own objects alone.
	client client.Client
	// live reads from the API server, for the few questions that a cache of our own objects answers wrongly.
	live client.Reader
	// connection is what both go through.
	connection crcluster.Cluster

	mu sync.Mutex
	// written remembers what was applied, so that a steady state writes nothing.
	written map[objectKey]written
	// judged remembers what was planned for Deployments, so that a steady state asks nothing either.
	judged map[objectKey]judged
	// disputes are the objects that somebody else changes again and again.
	disputes map[objectKey]*dispute
	// now is what time it is.
	now func() time.Time
	// self is our name there; empty until somebody asked for it.
	self string
}

// newCluster writes to one cluster.
func newCluster(cached client.Client, live client.Reader) *cluster {
	return &cluster{client: cached, live: live, written: map[objectKey]written{}, judged: map[objectKey]judged{}, disputes: map[objectKey]*dispute{}, now: time.Now}
}

// newClusterBehind writes to the cluster of a connection.
func newClusterBehind(connection crcluster.Cluster) *cluster {
	out := newCluster(connection.GetClient(), connection.GetAPIReader())
	out.connection = connection
	return out
}

// ownedKinds are the kinds that a gateway is made of, each as an empty object and an empty list, in the
// order in which they are removed: what sends traffic away last.
func ownedKinds() []ownedKind {
	return []ownedKind{
		{&autoscalingv2.HorizontalPodAutoscaler{}, &autoscalingv2.HorizontalPodAutoscalerList{}},
		{&policyv1.PodDisruptionBudget{}, &policyv1.PodDisruptionBudgetList{}},
		{&appsv1.Deployment{}, &appsv1.DeploymentList{}},
		{&rbacv1.RoleBinding{}, &rbacv1.RoleBindingList{}},
		{&rbacv1.Role{}, &rbacv1.RoleList{}},
		{&corev1.ServiceAccount{}, &corev1.ServiceAccountList{}},
		{&corev1.Service{}, &corev1.ServiceList{}},
	}
}

// objectsOwned are the kinds that a gateway is made of, each as an empty object.
func objectsOwned() []client.Object {
	var out []client.Object
	for _, kind := range ownedKinds() {
		out = append(out, kind.object)
	}
	return out
}

// ownedKind is one kind that a gateway is made of.
type ownedKind struct {
	object client.Object
	list   client.ObjectList
}
