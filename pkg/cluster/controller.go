package cluster

import (
	"context"
	"errors"
	"fmt"
	"slices"
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
	// ReasonAlreadyRegistered: it is registered under another ID already; message says which and what to do.
	ReasonAlreadyRegistered = "AlreadyRegistered"
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
	condition := c.look(ctx, registered)
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
		slices.Contains([]string{reasonConnected, ReasonNotConnected, ReasonAlreadyRegistered}, before.Reason)
}

// look connects to a cluster if that is to be done, notes what is found out about it, and says whether it can be reached.
// It waits for nothing but answers of clusters that are well.
func (c *Controller) look(ctx context.Context, registered *v1alpha1.GatewayCluster) metav1.Condition {
	connection, reason, err := c.connection(ctx, registered)
	if err := c.distinct(ctx, registered, connection, err); err != nil {
		return unreachable(err)
	}
	found, err := facts(ctx, connection, c.Namespace)
	if err != nil {
		return reachable(metav1.ConditionTrue, reason, fmt.Sprintf("The cluster answers, but not every question: %v", err))
	}
	registered.Status.Facts = found
	return reachable(metav1.ConditionTrue, reason, "The cluster answers")
}

// distinct notes which cluster it is that a connection leads to, and says whether it is registered already. refused is what
// connecting ended with.
func (c *Controller) distinct(ctx context.Context, registered *v1alpha1.GatewayCluster, connection cluster.Cluster, refused error) error {
	twin, ok := errors.AsType[*TwinError](refused)
	if ok {
		registered.Status.Identity = twin.Identity
		return c.again(ctx, registered, refused)
	}
	if refused != nil {
		return refused
	}
	identity, err := Identity(ctx, connection.GetAPIReader())
	if err != nil {
		return nil //nolint:nilerr // it was asked when it was connected, is asked again, and is not all that is asked: the facts tell
	}
	registered.Status.Identity = identity
	return c.again(ctx, registered, nil)
}

// again makes a connection anew when it was refused because the cluster is registered already, and is not any more; or when
// it was not, and is now: an older registration turned out to lead there. It says what stands in the way of using it now.
func (c *Controller) again(ctx context.Context, registered *v1alpha1.GatewayCluster, refused error) error {
	err := c.Registry.twin(ctx, registered.Name, registered.Status.Identity)
	_, twin := errors.AsType[*TwinError](err)
	switch {
	case err != nil && !twin || twin && refused != nil || !twin && refused == nil:
		return err
	case twin:
		c.Registry.Again(registered.Name)
		return err
	}
	c.Registry.Again(registered.Name)
	_, err = c.Registry.Get(registered.Name)
	return err
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
		c.Registry.Miss(registered.Name, err)
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
	if twin, ok := errors.AsType[*TwinError](err); ok {
		return reachable(metav1.ConditionFalse, ReasonAlreadyRegistered, twin.Error())
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
