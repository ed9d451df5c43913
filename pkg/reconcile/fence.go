package reconcile

import (
	"context"
	"fmt"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"portcullis.dev/portcullis/pkg/fence"
)

// fences keeps the back door of a cluster closed.
type fences struct {
	cluster *cluster
	options fence.Options
}

// Reconcile puts the fence up, or puts it right.
func (f *fences) Reconcile(ctx context.Context, _ string) (reconcile.Result, error) {
	return reconcile.Result{}, f.cluster.fence(ctx, f.options)
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

// setupFences puts the fence up at the start, and again whenever somebody touches it.
func setupFences(mgr manager.Manager, worker *fences) error {
	const fenced = fence.Name
	touched := handler.TypedEnqueueRequestsFromMapFunc(func(_ context.Context, object client.Object) []string {
		if object.GetName() != fence.Name {
			return nil
		}
		return []string{fenced}
	})
	start := source.TypedFunc[string](func(_ context.Context, queue workqueue.TypedRateLimitingInterface[string]) error {
		queue.Add(fenced)
		return nil
	})
	return builder.TypedControllerManagedBy[string](mgr).
		Named("fences").
		Watches(&admissionregistrationv1.ValidatingAdmissionPolicy{}, touched).
		Watches(&admissionregistrationv1.ValidatingAdmissionPolicyBinding{}, touched).
		WatchesRawSource(start).
		Complete(worker)
}
