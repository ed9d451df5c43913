package reconcile

import (
	"context"
	"errors"
	"fmt"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	crcluster "sigs.k8s.io/controller-runtime/pkg/cluster"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"portcullis.dev/portcullis/pkg/api/v1alpha1"
	connected "portcullis.dev/portcullis/pkg/cluster"
	"portcullis.dev/portcullis/pkg/fence"
	"portcullis.dev/portcullis/pkg/render"
)

// fenceAgain is how often the fence of a cluster elsewhere is put right. It is not watched there: a cluster that is too
// old for such policies would never be connected.
const fenceAgain = 10 * time.Minute

// fenceSoon is how soon a cluster that is not connected is tried again.
const fenceSoon = 10 * time.Second

// here is the key of the cluster that we run in; those of the others are their IDs.
const here = ""

// The reasons of a GatewayCluster's condition Fenced.
const (
	// reasonFenced: the fence is up.
	reasonFenced = "FenceUp"
	// reasonNotServed: the cluster knows no such policies; it is older than Kubernetes 1.30.
	reasonNotServed = "NotServed"
	// reasonNotAllowed: we may not write them there.
	reasonNotAllowed = "NotAllowed"
	// reasonFenceFailed: something else stands in the way.
	reasonFenceFailed = "Failed"
)

// fences keeps the back doors of the clusters closed, and says of each cluster whether it is.
type fences struct {
	// hub holds the GatewayClusters.
	hub      client.Client
	clusters *clusters
	options  fence.Options
	// events tells people when a back door opens or shuts.
	events events
}

// Reconcile puts the fence of a cluster up, or puts it right.
func (f *fences) Reconcile(ctx context.Context, id string) (reconcile.Result, error) {
	cluster, result := f.clusters.local, reconcile.Result{}
	if id != here {
		var err error
		if cluster, err = f.clusters.elsewhere(id); err != nil {
			return reconcile.Result{RequeueAfter: fenceSoon}, nil //nolint:nilerr // told in the cluster's own condition
		}
		result.RequeueAfter = fenceAgain
	}
	other, err := f.other(ctx, id)
	if err != nil {
		return reconcile.Result{}, err
	}
	fault, said := error(nil), left(other)
	if other == "" {
		fault = cluster.fence(ctx, f.options)
		said = fencing(fault)
	}
	told := f.tell(ctx, id, said)
	if apierrors.IsConflict(told) {
		return reconcile.Result{RequeueAfter: fenceSoon}, fault
	}
	if err := errors.Join(fault, told); err != nil {
		return reconcile.Result{}, fmt.Errorf("fencing cluster %q: %w", id, err)
	}
	return result, nil
}

// other is the registration that the cluster which we run in is fenced by, where that is another one than its own: with the
// account of that one, in a fence that would else be put up by both in turn. It is empty where there is none.
func (f *fences) other(ctx context.Context, id string) (string, error) {
	if id != here {
		return "", nil
	}
	registered, err := listClusters(ctx, f.hub)
	if err != nil {
		return "", err
	}
	if keeper := connected.Keeper(registered, f.clusters.home); keeper != nil && !isLocal(keeper) {
		return keeper.Name, nil
	}
	return "", nil
}

// left is the condition of a cluster whose fence is left to another registration of it.
func left(other string) metav1.Condition {
	return condition(v1alpha1.ConditionFenced, metav1.ConditionUnknown, connected.ReasonAlreadyRegistered, "The cluster is registered as "+other+" already, which says whether it is fenced")
}

// fencing is the condition that an attempt to put the fence up leaves.
func fencing(fault error) metav1.Condition {
	switch {
	case fault == nil:
		return condition(v1alpha1.ConditionFenced, metav1.ConditionTrue, reasonFenced, "Nobody but Portcullis and the cluster's own machinery changes what gateways are made of")
	case meta.IsNoMatchError(fault) || apierrors.IsNotFound(fault):
		return condition(v1alpha1.ConditionFenced, metav1.ConditionFalse, reasonNotServed, fmt.Sprintf("The cluster must serve ValidatingAdmissionPolicies, as Kubernetes does from 1.30 on: %v", fault))
	case apierrors.IsForbidden(fault):
		return condition(v1alpha1.ConditionFenced, metav1.ConditionFalse, reasonNotAllowed, fault.Error())
	}
	return condition(v1alpha1.ConditionFenced, metav1.ConditionFalse, reasonFenceFailed, fault.Error())
}

// tell writes the condition of a cluster, or of every registration of the one that we run in.
func (f *fences) tell(ctx context.Context, id string, said metav1.Condition) error {
	registered, err := listClusters(ctx, f.hub)
	if err != nil {
		return err
	}
	for i := range registered {
		cluster := &registered[i]
		if id == here && !isLocal(cluster) || id != here && cluster.Name != id {
			continue
		}
		stored := cluster.DeepCopy()
		said.ObservedGeneration = cluster.Generation
		if !meta.SetStatusCondition(&cluster.Status.Conditions, said) {
			continue
		}
		// A list is written as a whole, and conditions of others are in it.
		if err := f.hub.Status().Patch(ctx, cluster, client.MergeFromWithOptions(stored, client.MergeFromWithOptimisticLock{})); err != nil {
			return fmt.Errorf("writing the status of GatewayCluster %s: %w", cluster.Name, err)
		}
		f.events.fenced(cluster, meta.FindStatusCondition(stored.Status.Conditions, said.Type), said)
	}
	return nil
}

// isLocal says whether a registration is of the cluster that we run in.
func isLocal(cluster *v1alpha1.GatewayCluster) bool {
	return cluster.Spec.Local != nil && *cluster.Spec.Local
}

// fence lets nobody but us, and the cluster's own machinery, change what gateways are made of.
func (c *cluster) fence(ctx context.Context, options fence.Options) error {
	var err error
	if options.Controller, err = c.whoWeAre(ctx); err != nil {
		return err
	}
	for _, object := range fence.Objects(options) {
		if err := c.fenceBy(ctx, object); err != nil {
			return err
		}
	}
	return nil
}

// fenceBy applies one object of the fence, unless it stands. It is read from the API server, as elsewhere it is not watched;
// what keeps it from being read keeps it from being applied, too, and says so then.
func (c *cluster) fenceBy(ctx context.Context, object render.Object) error {
	desired, _, err := convert(object)
	if err != nil {
		return err
	}
	live := &unstructured.Unstructured{}
	live.SetGroupVersionKind(desired.GroupVersionKind())
	if err := c.live.Get(ctx, client.ObjectKeyFromObject(desired), live); err == nil && recognised(live, desired) {
		return nil
	}
	if err := c.client.Apply(ctx, client.ApplyConfigurationFromUnstructured(desired), client.FieldOwner(FieldOwner), client.ForceOwnership); err != nil {
		return fmt.Errorf("applying %s %s: %w", desired.GetKind(), desired.GetName(), err)
	}
	return nil
}

// whoWeAre is our name in the cluster: another one in each, and each tells it. A connection keeps it as long as it lasts.
func (c *cluster) whoWeAre(ctx context.Context) (string, error) {
	c.mu.Lock()
	known := c.self
	c.mu.Unlock()
	if known != "" {
		return known, nil
	}
	review := &authenticationv1.SelfSubjectReview{}
	if err := c.client.Create(ctx, review); err != nil {
		return "", fmt.Errorf("asking who we are: %w", err)
	}
	if review.Status.UserInfo.Username == "" {
		return "", fmt.Errorf("asking who we are: the API server must name a user, names none")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.self = review.Status.UserInfo.Username
	return c.self, nil
}

// setupFences puts the fence up at the start, and again whenever somebody touches it; elsewhere whenever a cluster is
// connected, and from time to time.
func setupFences(mgr manager.Manager, worker *fences) (connectedFunc, error) {
	touched := handler.TypedEnqueueRequestsFromMapFunc(func(_ context.Context, object client.Object) []string {
		if object.GetName() != fence.Name {
			return nil
		}
		return []string{here}
	})
	registered := handler.TypedEnqueueRequestsFromMapFunc(func(_ context.Context, object client.Object) []string {
		if cluster, ok := object.(*v1alpha1.GatewayCluster); ok && (isLocal(cluster) || cluster.Status.Identity == worker.clusters.home) {
			return []string{here}
		}
		return nil
	})
	fences, err := builder.TypedControllerManagedBy[string](mgr).
		Named("fences").
		Watches(&admissionregistrationv1.ValidatingAdmissionPolicy{}, touched).
		Watches(&admissionregistrationv1.ValidatingAdmissionPolicyBinding{}, touched).
		// The one that we run in may be registered, and then told of its fence, at any time; or turn out to be under
		// another name.
		Watches(&v1alpha1.GatewayCluster{}, registered, builder.WithPredicates(predicate.Or(predicate.GenerationChangedPredicate{}, connected.IdentityChanged()))).
		WatchesRawSource(add(here)).
		Build(worker)
	return func(_ context.Context, id string, _ crcluster.Cluster) error {
		return fences.Watch(add(id))
	}, err
}

// add adds one key to a queue.
func add(key string) source.TypedSource[string] {
	return source.TypedFunc[string](func(_ context.Context, queue workqueue.TypedRateLimitingInterface[string]) error {
		// In a moment: a connection is told of before it can be used.
		queue.AddAfter(key, time.Second)
		return nil
	})
}
