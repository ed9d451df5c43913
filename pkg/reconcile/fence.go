package reconcile

import (
	"context"
	"fmt"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	crcluster "sigs.k8s.io/controller-runtime/pkg/cluster"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"portcullis.dev/portcullis/pkg/fence"
)

// fenceAgain is how often the fence of a cluster elsewhere is put right. It is not watched there: a cluster that is too
// old for such policies would never be connected.
const fenceAgain = 10 * time.Minute

// fenceSoon is how soon a cluster that is not connected is tried again.
const fenceSoon = 10 * time.Second

// here is the key of the cluster that we run in; those of the others are their IDs.
const here = ""

// fences keeps the back doors of the clusters closed.
type fences struct {
	clusters *clusters
	options  fence.Options
}

// Reconcile puts the fence of a cluster up, or puts it right.
func (f *fences) Reconcile(ctx context.Context, id string) (reconcile.Result, error) {
	if id == here {
		return reconcile.Result{}, f.clusters.local.fence(ctx, f.options)
	}
	cluster, err := f.clusters.elsewhere(id)
	if err != nil {
		return reconcile.Result{RequeueAfter: fenceSoon}, nil //nolint:nilerr // told in the cluster's own condition
	}
	if err := cluster.fence(ctx, f.options); err != nil {
		return reconcile.Result{}, fmt.Errorf("fencing cluster %s: %w", id, err)
	}
	return reconcile.Result{RequeueAfter: fenceAgain}, nil
}

// fence lets nobody but us, and the cluster's own machinery, change what gateways are made of.
func (c *cluster) fence(ctx context.Context, options fence.Options) error {
	// Who we are is another name in each cluster, and each tells it.
	review := &authenticationv1.SelfSubjectReview{}
	if err := c.client.Create(ctx, review); err != nil {
		return fmt.Errorf("asking who we are: %w", err)
	}
	options.Controller = review.Status.UserInfo.Username
	if options.Controller == "" {
		return fmt.Errorf("asking who we are: the API server must name a user, names none")
	}
	for _, object := range fence.Objects(options) {
		desired, _, err := convert(object)
		if err != nil {
			return err
		}
		if err := c.client.Apply(ctx, client.ApplyConfigurationFromUnstructured(desired), client.FieldOwner(FieldOwner), client.ForceOwnership); err != nil {
			return fmt.Errorf("applying %s %s: %w", desired.GetKind(), desired.GetName(), err)
		}
	}
	return nil
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
	fences, err := builder.TypedControllerManagedBy[string](mgr).
		Named("fences").
		Watches(&admissionregistrationv1.ValidatingAdmissionPolicy{}, touched).
		Watches(&admissionregistrationv1.ValidatingAdmissionPolicyBinding{}, touched).
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
