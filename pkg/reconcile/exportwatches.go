package reconcile

import (
	"context"
	"fmt"
	"sync"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	crcluster "sigs.k8s.io/controller-runtime/pkg/cluster"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/api/v1alpha1"
	"portcullis.dev/portcullis/pkg/render"
)

// podWatches wake the worker of exports when the pods of gateways come and go, and when somebody touches what an export
// is made of. They are started in the clusters that an export has to do with: of the others nobody keeps addresses in
// memory.
type podWatches struct {
	worker controller.TypedController[Target]
	// targets are the exports that an object has to do with.
	targets handler.TypedMapFunc[client.Object, Target]

	mu sync.Mutex
	// contexts end with their connections; of those that are watched already, started is true.
	contexts map[crcluster.Cluster]context.Context
	started  map[crcluster.Cluster]bool
}

// connected notes a connection.
func (w *podWatches) connected(ctx context.Context, _ string, connection crcluster.Cluster) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.contexts[connection] = ctx
	context.AfterFunc(ctx, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.contexts, connection)
		delete(w.started, connection)
	})
	return nil
}

// watch starts the watches in a cluster, unless they are started.
func (w *podWatches) watch(ctx context.Context, in *cluster, namespace string) error {
	if w == nil {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	connection := in.connection
	connected, ok := w.contexts[connection]
	if !ok || w.started[connection] {
		return nil
	}
	// Asked first: who may not read them would wait for the watch for ever, and the API server's answer says why.
	if err := in.live.List(ctx, &discoveryv1.EndpointSliceList{}, client.InNamespace(namespace), client.Limit(1)); err != nil {
		return fmt.Errorf("listing EndpointSlices: %w", err)
	}
	for _, object := range []client.Object{&discoveryv1.EndpointSlice{}, &corev1.Service{}} {
		from := source.TypedKind(connection.GetCache(), object, handler.TypedEnqueueRequestsFromMapFunc(w.targets))
		err := w.worker.Watch(source.TypedFunc[Target](func(_ context.Context, queue workqueue.TypedRateLimitingInterface[Target]) error {
			return from.Start(connected, queue)
		}))
		if err != nil {
			return fmt.Errorf("watching %T: %w", object, err)
		}
	}
	w.started[connection] = true
	return nil
}

// setupExports wakes an export's worker when its gateway, one of the clusters or a pod changes.
func setupExports(ctx context.Context, mgr manager.Manager, worker *exports, workers int) (connectedFunc, error) {
	everyExport := func(ctx context.Context, _ client.Object) []Target {
		var targets []Target
		for _, gw := range listGateways(ctx, mgr.GetClient()) {
			targets = append(targets, exportsOfGateway(ctx, &gw)...)
		}
		return targets
	}
	built, err := builder.TypedControllerManagedBy[Target](mgr).
		Named("exports").
		WithOptions(controller.TypedOptions[Target]{
			MaxConcurrentReconciles: workers,
			RateLimiter:             workqueue.NewTypedItemExponentialFailureRateLimiter[Target](firstPause, longestPause),
		}).
		Watches(&v1beta1.IstioGateway{}, handler.TypedEnqueueRequestsFromMapFunc(exportsOfGateway), builder.WithPredicates(gatewayChanged())).
		// What is lost or comes back may be where the metrics go, or where the pods are.
		Watches(&v1alpha1.GatewayCluster{}, handler.TypedEnqueueRequestsFromMapFunc(everyExport), builder.WithPredicates(clusterChanged())).
		Build(worker)
	worker.pods = &podWatches{
		worker: built, targets: exportsOfObject(mgr.GetClient()),
		contexts: map[crcluster.Cluster]context.Context{mgr: ctx}, started: map[crcluster.Cluster]bool{},
	}
	return worker.pods.connected, err
}

// exportsOfGateway are the clusters that a gateway's metrics go to, or went to.
func exportsOfGateway(_ context.Context, object client.Object) []Target {
	gw, ok := object.(*v1beta1.IstioGateway)
	if !ok {
		return nil
	}
	targets := make([]Target, 0, len(gw.Status.Exports))
	for _, entry := range gw.Status.Exports {
		targets = append(targets, Target{Gateway: client.ObjectKeyFromObject(gw), Cluster: entry.ClusterID})
	}
	return targets
}

// exportsOfObject are the exports of the gateway that an object belongs to.
func exportsOfObject(reader client.Reader) handler.TypedMapFunc[client.Object, Target] {
	return func(ctx context.Context, object client.Object) []Target {
		gw := &v1beta1.IstioGateway{}
		key := client.ObjectKey{Namespace: object.GetNamespace(), Name: object.GetLabels()[render.LabelGateway]}
		// Of one that is gone nothing is left.
		if key.Name == "" || reader.Get(ctx, key, gw) != nil {
			return nil
		}
		return exportsOfGateway(ctx, gw)
	}
}
