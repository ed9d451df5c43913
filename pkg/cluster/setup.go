package cluster

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"portcullis.dev/portcullis/pkg/api/v1alpha1"
)

// lookAgain is how often facts are found out anew: nodes come and go, but not by the second.
const lookAgain = 5 * time.Minute

// Signal carries the IDs of clusters that were connected, lost or came back.
type Signal chan event.TypedGenericEvent[string]

// Send tells of a cluster, unless nobody listens any more.
func (s Signal) Send(ctx context.Context, id string) {
	select {
	case s <- event.TypedGenericEvent[string]{Object: id}:
	case <-ctx.Done():
	}
}

// Setup puts the controllers on a manager: one for each GatewayCluster, one for each remote secret in namespace.
// changed is what the Registry's option Changed sends to.
func Setup(mgr manager.Manager, registry *Registry, changed Signal, namespace string) error {
	told := events{recorder: mgr.GetEventRecorder("portcullis")}
	err := builder.ControllerManagedBy(mgr).
		Named("clusters").
		For(&v1alpha1.GatewayCluster{}, builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		// A new kubeconfig is to be used at once. Only names are kept in memory.
		WatchesMetadata(&corev1.Secret{}, handler.EnqueueRequestsFromMapFunc(clustersBySecret(mgr.GetClient()))).
		// Of two that are one cluster, the other one is concerned when one is known, becomes another or goes.
		Watches(&v1alpha1.GatewayCluster{}, handler.EnqueueRequestsFromMapFunc(twinsOf(mgr.GetClient())), builder.WithPredicates(IdentityChanged())).
		WatchesRawSource(source.TypedChannel(changed, handler.TypedEnqueueRequestsFromMapFunc(clusterByID))).
		Complete(&Controller{Hub: mgr, Registry: registry, Namespace: namespace, LookAgain: lookAgain, events: told})
	if err != nil {
		return fmt.Errorf("setting up the clusters' worker: %w", err)
	}
	err = builder.ControllerManagedBy(mgr).
		Named("remotesecrets").
		WatchesMetadata(&corev1.Secret{}, &handler.EnqueueRequestForObject{}).
		// When one goes, another Secret may have a kubeconfig of that cluster.
		Watches(&v1alpha1.GatewayCluster{}, handler.EnqueueRequestsFromMapFunc(everySecret(mgr.GetClient())), builder.WithPredicates(onlyDeleted())).
		Complete(&Registrar{Client: mgr.GetClient(), Live: mgr.GetAPIReader(), events: told})
	if err != nil {
		return fmt.Errorf("setting up the remote secrets' worker: %w", err)
	}
	return nil
}

// SecretMetadata is the kind that the manager's cache must be limited to the remote secrets of: with
// the label LabelRemoteSecret, in the namespace that is given to Setup.
func SecretMetadata() client.Object {
	out := &metav1.PartialObjectMetadata{}
	out.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Secret"))
	return out
}

// onlyDeleted passes on that an object is gone, and nothing else.
func onlyDeleted() predicate.Predicate {
	return predicate.Funcs{
		CreateFunc:  func(event.CreateEvent) bool { return false },
		UpdateFunc:  func(event.UpdateEvent) bool { return false },
		GenericFunc: func(event.GenericEvent) bool { return false },
	}
}

// IdentityChanged passes on that a registration turned out to be of another cluster than was known, or is gone.
func IdentityChanged() predicate.Predicate {
	return predicate.Funcs{
		CreateFunc: func(event.CreateEvent) bool { return false },
		UpdateFunc: func(e event.UpdateEvent) bool {
			before, isOld := e.ObjectOld.(*v1alpha1.GatewayCluster)
			after, isNew := e.ObjectNew.(*v1alpha1.GatewayCluster)
			return isOld && isNew && before.Status.Identity != after.Status.Identity
		},
		GenericFunc: func(event.GenericEvent) bool { return false },
	}
}

// twinsOf are the other registrations of a registered cluster.
func twinsOf(reader client.Reader) handler.MapFunc {
	return func(ctx context.Context, object client.Object) []reconcile.Request {
		list := &v1alpha1.GatewayClusterList{}
		of, ok := object.(*v1alpha1.GatewayCluster)
		// A cache that does not answer never synced, and then no event comes.
		if !ok || !known(of.Status.Identity) || reader.List(ctx, list) != nil {
			return nil
		}
		var requests []reconcile.Request
		for i := range list.Items {
			if list.Items[i].Name != of.Name && list.Items[i].Status.Identity == of.Status.Identity {
				requests = append(requests, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(&list.Items[i])})
			}
		}
		return requests
	}
}

// everySecret lists the remote secrets.
func everySecret(reader client.Reader) handler.MapFunc {
	return func(ctx context.Context, _ client.Object) []reconcile.Request {
		list := &metav1.PartialObjectMetadataList{}
		list.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("SecretList"))
		// A cache that does not answer never synced, and then no event comes.
		if err := reader.List(ctx, list); err != nil {
			return nil
		}
		var requests []reconcile.Request
		for i := range list.Items {
			requests = append(requests, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(&list.Items[i])})
		}
		return requests
	}
}

// clusterByID is the request for a cluster.
func clusterByID(_ context.Context, id string) []reconcile.Request {
	return []reconcile.Request{{NamespacedName: client.ObjectKey{Name: id}}}
}

// clustersBySecret are the clusters whose kubeconfig is in a Secret.
func clustersBySecret(reader client.Reader) handler.MapFunc {
	return func(ctx context.Context, secret client.Object) []reconcile.Request {
		list := &v1alpha1.GatewayClusterList{}
		// A cache that does not answer never synced, and then no event comes.
		if err := reader.List(ctx, list); err != nil {
			return nil
		}
		var requests []reconcile.Request
		for i := range list.Items {
			reference := list.Items[i].Spec.KubeconfigSecret
			if reference != nil && reference.Name == secret.GetName() && reference.Namespace == secret.GetNamespace() {
				requests = append(requests, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(&list.Items[i])})
			}
		}
		return requests
	}
}
