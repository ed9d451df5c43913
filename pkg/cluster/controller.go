package cluster

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/cluster"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"portcullis.dev/portcullis/pkg/api/v1alpha1"
)

// The reasons of a GatewayCluster's condition Reachable.
const (
	// reasonLocal: it is the cluster that Portcullis runs in.
	reasonLocal = "Local"
	// reasonConnected: its API server answers.
	reasonConnected = "Connected"
	// reasonConnecting: nothing is known yet.
	reasonConnecting = "Connecting"
	// ReasonNotConnected: its API server does not answer, or refuses us; message says since when and why.
	ReasonNotConnected = "NotConnected"
	// reasonKubeconfig: the kubeconfig is missing or not one that is used; message says what is wrong.
	reasonKubeconfig = "InvalidKubeconfig"
)

// Controller keeps the Registry in step with the GatewayClusters, and writes into their status whether each can be
// reached and what was found out about it.
type Controller struct {
	// Hub is the cluster that we run in: it holds the GatewayClusters and their Secrets.
	Hub cluster.Cluster
	// Registry holds the connections.
	Registry *Registry
	// Namespace is the one that gateways are in.
	Namespace string
	// LookAgain is how often facts are found out anew, and Secrets without the label of remote secrets read again.
	LookAgain time.Duration
	// events tells people that a cluster was lost, or is back.
	events events
}

// Reconcile brings one cluster's connection and status up to date.
func (c *Controller) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	registered := &v1alpha1.GatewayCluster{}
	err := c.Hub.GetClient().Get(ctx, request.NamespacedName, registered)
	if apierrors.IsNotFound(err) || (err == nil && registered.DeletionTimestamp != nil) {
		c.Registry.Remove(request.Name)
		return reconcile.Result{}, nil
	}
	if err != nil {
		return reconcile.Result{}, fmt.Errorf("reading GatewayCluster %s: %w", request.Name, err)
	}
	stored := registered.DeepCopy()
	// What was found out stays when it cannot be found out now: it is the best that is known.
	found, condition := c.look(ctx, registered)
	if found != nil {
		registered.Status.Facts = found
	}
	condition.ObservedGeneration = registered.Generation
	if !keeps(registered, condition) {
		meta.SetStatusCondition(&registered.Status.Conditions, condition)
	}
	if !equality.Semantic.DeepEqual(stored.Status, registered.Status) {
		// A list is written as a whole, and conditions of others are in it.
		err := c.Hub.GetClient().Status().Patch(ctx, registered, client.MergeFromWithOptions(stored, client.MergeFromWithOptimisticLock{}))
		if apierrors.IsNotFound(err) {
			// Its end is an event, and comes next.
			return reconcile.Result{}, nil
		}
		if err != nil {
			return reconcile.Result{}, fmt.Errorf("writing the status of GatewayCluster %s: %w", request.Name, err)
		}
		c.events.reachable(stored, registered)
	}
	return reconcile.Result{RequeueAfter: c.LookAgain}, nil
}

// keeps says whether what is known of a cluster from before stands: while it is being connected after a start of ours,
// nothing else is known yet, and to say so of every cluster would only wake everybody twice.
func keeps(registered *v1alpha1.GatewayCluster, now metav1.Condition) bool {
	before := meta.FindStatusCondition(registered.Status.Conditions, v1alpha1.ConditionReachable)
	return now.Reason == reasonConnecting && before != nil && before.ObservedGeneration == now.ObservedGeneration &&
		(before.Reason == reasonConnected || before.Reason == ReasonNotConnected)
}

// look connects to a cluster if that is to be done, and says what is known of it now. It waits for nothing but answers
// of clusters that are well.
func (c *Controller) look(ctx context.Context, registered *v1alpha1.GatewayCluster) (*v1alpha1.ClusterFacts, metav1.Condition) {
	connection, reason, err := c.connection(ctx, registered)
	if err != nil {
		return nil, unreachable(err)
	}
	found, err := facts(ctx, connection, c.Namespace)
	if err != nil {
		return nil, reachable(metav1.ConditionTrue, reason, fmt.Sprintf("The cluster answers, but not every question: %v", err))
	}
	return found, reachable(metav1.ConditionTrue, reason, "The cluster answers")
}

// connection is the connection to a cluster, and the reason why it can be reached.
func (c *Controller) connection(ctx context.Context, registered *v1alpha1.GatewayCluster) (connection cluster.Cluster, reason string, err error) {
	if registered.Spec.Local != nil && *registered.Spec.Local {
		c.Registry.Remove(registered.Name)
		return c.Hub, reasonLocal, nil
	}
	kubeconfig, err := c.kubeconfig(ctx, registered)
	if err != nil {
		// Whoever takes the kubeconfig away takes the permission away.
		if _, gone := errors.AsType[*kubeconfigError](err); gone {
			c.Registry.Refuse(registered.Name, err)
		}
		return nil, "", err
	}
	if err := c.Registry.Set(registered.Name, kubeconfig); err != nil {
		return nil, "", &kubeconfigError{err}
	}
	connection, err = c.Registry.Get(registered.Name)
	return connection, reasonConnected, err
}

// kubeconfig reads a cluster's kubeconfig from its Secret. It is read from the API server: keeping Secrets in memory
// would take the permission to see all of them.
func (c *Controller) kubeconfig(ctx context.Context, registered *v1alpha1.GatewayCluster) ([]byte, error) {
	reference := registered.Spec.KubeconfigSecret
	if reference == nil {
		return nil, &kubeconfigError{errors.New("spec must have local: true or a kubeconfigSecret, has neither")}
	}
	secret := &corev1.Secret{}
	key := client.ObjectKey{Namespace: reference.Namespace, Name: reference.Name}
	err := c.Hub.GetAPIReader().Get(ctx, key, secret)
	if apierrors.IsNotFound(err) {
		return nil, &kubeconfigError{fmt.Errorf("spec.kubeconfigSecret must name a Secret, %s is none", key)}
	}
	if err != nil {
		return nil, fmt.Errorf("reading Secret %s: %w", key, err)
	}
	kubeconfig := secret.Data[registered.Name]
	if len(kubeconfig) == 0 {
		return nil, &kubeconfigError{fmt.Errorf("data of Secret %s must have the key %s, has %s", key, registered.Name, listed(secret.Data))}
	}
	return kubeconfig, nil
}

// kubeconfigError says what is wrong with a kubeconfig, for people to mend.
type kubeconfigError struct{ cause error }

// Error is the cause in words.
func (e *kubeconfigError) Error() string { return e.cause.Error() }

// Unwrap is the cause.
func (e *kubeconfigError) Unwrap() error { return e.cause }

// unreachable words why a cluster cannot be reached.
func unreachable(err error) metav1.Condition {
	if _, ok := errors.AsType[*kubeconfigError](err); ok {
		return reachable(metav1.ConditionFalse, reasonKubeconfig, err.Error())
	}
	absent, ok := errors.AsType[*NotConnectedError](err)
	if ok && absent.Cause == nil {
		return reachable(metav1.ConditionUnknown, reasonConnecting, "The cluster is being connected")
	}
	return reachable(metav1.ConditionFalse, ReasonNotConnected, err.Error())
}

// reachable is the condition Reachable.
func reachable(status metav1.ConditionStatus, reason, message string) metav1.Condition {
	return metav1.Condition{Type: v1alpha1.ConditionReachable, Status: status, Reason: reason, Message: message}
}
