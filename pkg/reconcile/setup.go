package reconcile

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/selection"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/api/v1alpha1"
	connected "portcullis.dev/portcullis/pkg/cluster"
	"portcullis.dev/portcullis/pkg/fence"
	"portcullis.dev/portcullis/pkg/render"
	"portcullis.dev/portcullis/pkg/tracing"
)

// The first pause before a failed target is tried again, and the longest.
const (
	firstPause   = 200 * time.Millisecond
	longestPause = 5 * time.Minute
)

// CacheOptions keep in memory, of the kinds that gateways are made of, our own objects alone, and of Secrets the names of
// those in a namespace that register clusters.
func CacheOptions(remoteSecrets string) (cache.Options, error) {
	kinds, err := ourObjects(append(objectsOwned(), &discoveryv1.EndpointSlice{})...)
	if err != nil {
		return cache.Options{}, err
	}
	kinds[connected.SecretMetadata()] = cache.ByObject{
		Namespaces: map[string]cache.Config{remoteSecrets: {}},
		Label:      labels.SelectorFromSet(labels.Set{connected.LabelRemoteSecret: "true"}),
	}
	// Of the cluster's policies the fence is ours; nobody needs the others in memory.
	fenced := cache.ByObject{Field: fields.OneTermEqualSelector("metadata.name", fence.Name)}
	kinds[&admissionregistrationv1.ValidatingAdmissionPolicy{}] = fenced
	kinds[&admissionregistrationv1.ValidatingAdmissionPolicyBinding{}] = fenced
	return cache.Options{ByObject: kinds}, nil
}

// ourObjects are kinds of which our own objects alone are kept.
func ourObjects(kinds ...client.Object) (map[client.Object]cache.ByObject, error) {
	ours, err := ourLabel()
	if err != nil {
		return nil, err
	}
	out := map[client.Object]cache.ByObject{}
	for _, kind := range kinds {
		out[kind] = cache.ByObject{Label: ours}
	}
	return out, nil
}

// ourLabel selects our own objects, and the addresses of pods, to which Kubernetes copies the labels of our Services.
func ourLabel() (labels.Selector, error) {
	ours, err := labels.NewRequirement(render.LabelGateway, selection.Exists, nil)
	if err != nil {
		return nil, fmt.Errorf("selecting our own objects: %w", err)
	}
	return labels.NewSelector().Add(*ours), nil
}

// Options are what whoever runs the controller decides.
type Options struct {
	// Workers is how many targets are worked on at once, at least 1.
	Workers int
	// ApprovalRetention is how long a ChangeApproval is kept after it was used or expired.
	ApprovalRetention time.Duration
	// Fence says who may change what gateways are made of, beside us; without it the back door stays open.
	Fence *fence.Options
	// RemoteSecrets is the namespace whose Secrets with kubeconfigs register clusters by themselves, and where gateways
	// are looked for when a cluster is looked at.
	RemoteSecrets string
	// Connecting is how long things take with clusters elsewhere; zero values are defaults.
	Connecting connected.Timing
	// LookAgain is how often objects are looked at that are not watched, because a cluster may lack their kind; zero is two
	// minutes.
	LookAgain time.Duration
	// Metrics takes what the controller counts; nobody does when it is nil.
	Metrics prometheus.Registerer
	// Tracing makes a span of each pass; nil makes none.
	Tracing *tracing.Tracing
}

// Setup puts the controller on a manager whose cache has CacheOptions. Connections to clusters end with the context.
func Setup(ctx context.Context, mgr manager.Manager, options Options) error {
	shared, counted := newOutcomes(), newCounts()
	told := events{recorder: mgr.GetEventRecorder("portcullis")}
	worker := &gateways{
		client: mgr.GetClient(), outcomes: shared, events: told, lost: newLostAddresses(),
		approvals: approvals{client: mgr.GetClient(), live: mgr.GetAPIReader(), ask: askGuard(mgr.GetClient()), now: time.Now, counts: counted, events: told},
	}
	if err := setupGateways(mgr, worker, options.Workers, options.Tracing); err != nil {
		return fmt.Errorf("setting up the gateways' worker: %w", err)
	}
	if err := indexed(ctx, mgr.GetFieldIndexer()); err != nil {
		return err
	}
	fleet, err := newClusters(ctx, mgr)
	if err != nil {
		return err
	}
	work := &placements{hub: mgr.GetClient(), clusters: fleet, outcomes: shared, events: told, counts: counted, lookAgain: cmp.Or(options.LookAgain, lookAgain)}
	watches, err := setupPlacements(mgr, work, options.Workers, options.Tracing)
	if err != nil {
		return fmt.Errorf("setting up the targets' workers: %w", err)
	}
	metrics, err := setupExports(ctx, mgr, &exports{hub: mgr.GetClient(), clusters: fleet, outcomes: shared, events: told}, options.Workers)
	if err != nil {
		return fmt.Errorf("setting up the exports' workers: %w", err)
	}
	whenConnected := slices.Concat([]connectedFunc{index}, watches, []connectedFunc{metrics})
	if options.Fence != nil {
		up, err := setupFences(mgr, &fences{hub: mgr.GetClient(), clusters: fleet, options: *options.Fence, events: told})
		if err != nil {
			return fmt.Errorf("setting up the fence: %w", err)
		}
		whenConnected = append(whenConnected, up)
	}
	if fleet.remote, err = setupClusters(ctx, mgr, whenConnected, options); err != nil {
		return fmt.Errorf("setting up the clusters: %w", err)
	}
	if err := setupHistory(mgr, &history{client: mgr.GetClient(), retention: options.ApprovalRetention, now: time.Now, counts: counted, events: told}, options.Tracing); err != nil {
		return fmt.Errorf("setting up the worker of old approvals: %w", err)
	}
	if options.Metrics == nil {
		return nil
	}
	if err := registerMetrics(options.Metrics, newFleet(mgr.GetClient()), counted, worker.lost); err != nil {
		return fmt.Errorf("registering the metrics: %w", err)
	}
	return nil
}

// setupHistory looks at each approval as it changes, and again when it is old.
func setupHistory(mgr manager.Manager, worker *history, traced *tracing.Tracing) error {
	return builder.ControllerManagedBy(mgr).
		Named("approvals").
		For(&v1alpha1.ChangeApproval{}).
		Complete(tracing.Reconciler(traced, "approval", reconcile.AsReconciler(mgr.GetClient(), worker)))
}

// setupGateways wakes the gateways' worker when a gateway or a cluster changes, and when a target reports.
func setupGateways(mgr manager.Manager, worker *gateways, workers int, traced *tracing.Tracing) error {
	reported := handler.TypedFuncs[types.NamespacedName, reconcile.Request]{
		GenericFunc: func(_ context.Context, e event.TypedGenericEvent[types.NamespacedName], queue workqueue.TypedRateLimitingInterface[reconcile.Request]) {
			queue.Add(reconcile.Request{NamespacedName: e.Object})
		},
	}
	return builder.ControllerManagedBy(mgr).
		Named("gateways").
		WithOptions(controller.Options{MaxConcurrentReconciles: workers}).
		For(&v1beta1.IstioGateway{}).
		Watches(&v1alpha1.GatewayCluster{}, handler.EnqueueRequestsFromMapFunc(everyGateway(mgr.GetClient())), builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		// An approval may release what is held.
		Watches(&v1alpha1.ChangeApproval{}, handler.EnqueueRequestsFromMapFunc(gatewayOfApproval), builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		WatchesRawSource(source.Channel(worker.outcomes.changed, reported)).
		Complete(tracing.Reconciler(traced, "gateway", reconcile.AsReconciler(mgr.GetClient(), worker)))
}

// setupPlacements wakes a target's worker when its gateway, its cluster or one of its objects changes.
// What it returns does the same in a cluster elsewhere.
func setupPlacements(mgr manager.Manager, worker *placements, workers int, traced *tracing.Tracing) ([]connectedFunc, error) {
	inCluster := func(ctx context.Context, cluster client.Object) []Target {
		return slices.DeleteFunc(targetsOfAll(ctx, mgr.GetClient()), func(target Target) bool { return target.Cluster != cluster.GetName() })
	}
	targets := builder.TypedControllerManagedBy[Target](mgr).
		Named("placements").
		WithOptions(controller.TypedOptions[Target]{
			MaxConcurrentReconciles: workers,
			// For ever, but at least every five minutes: what stood in the way may be gone without an event.
			RateLimiter: workqueue.NewTypedItemExponentialFailureRateLimiter[Target](firstPause, longestPause),
		}).
		// The gateway says what shall be, and its status where.
		Watches(&v1beta1.IstioGateway{}, handler.TypedEnqueueRequestsFromMapFunc(targetsOfGateway), builder.WithPredicates(gatewayChanged())).
		// A cluster that comes, goes or gets another mesh profile concerns every gateway in it.
		Watches(&v1alpha1.GatewayCluster{}, handler.TypedEnqueueRequestsFromMapFunc(inCluster), builder.WithPredicates(clusterChanged()))
	for _, kind := range ownedKinds() {
		// An object that somebody changed or deleted is put right, and its status is part of ours.
		targets = targets.Watches(kind.object, handler.TypedEnqueueRequestsFromMapFunc(targetsOfObject))
	}
	built, err := targets.Build(tracing.Reconciler[Target](traced, "placement", worker))
	if err != nil {
		return nil, err
	}
	search, err := searching(built, worker, mgr.GetAPIReader())
	return []connectedFunc{watch(built), search}, err
}

// gatewayOfApproval is the gateway that an approval is for.
func gatewayOfApproval(_ context.Context, object client.Object) []reconcile.Request {
	approval, ok := object.(*v1alpha1.ChangeApproval)
	if !ok {
		return nil
	}
	return []reconcile.Request{{NamespacedName: types.NamespacedName{Namespace: approval.Namespace, Name: approval.Spec.GatewayName}}}
}

// gatewayChanged passes on what can change a target: the spec, what we read of the metadata, which clusters and which
// objects that are not watched the status names, and which restart was released. The rest of the status is our own writing.
func gatewayChanged() predicate.Predicate {
	return predicate.Or(
		predicate.GenerationChangedPredicate{},
		predicate.AnnotationChangedPredicate{},
		predicate.Funcs{UpdateFunc: func(e event.UpdateEvent) bool {
			return !slices.Equal(e.ObjectOld.GetFinalizers(), e.ObjectNew.GetFinalizers()) ||
				!maps.Equal(targetSet(e.ObjectOld), targetSet(e.ObjectNew)) ||
				!slices.Equal(exportsOfGateway(context.Background(), e.ObjectOld), exportsOfGateway(context.Background(), e.ObjectNew)) ||
				releasedBy(e.ObjectOld) != releasedBy(e.ObjectNew) ||
				!maps.Equal(unwatchedSet(e.ObjectOld), unwatchedSet(e.ObjectNew))
		}},
	)
}

// releasedBy names what released a gateway's restart; empty when nothing did.
func releasedBy(object client.Object) string {
	gw, ok := object.(*v1beta1.IstioGateway)
	if !ok || gw.Status.Pending == nil || gw.Status.Pending.ReleasedBy == "" {
		return ""
	}
	return gw.Status.Pending.ReleasedBy + " " + gw.Status.Pending.Digest
}

// unwatchedSet are the objects that are not watched and that a gateway's status names, by cluster, as a set.
func unwatchedSet(object client.Object) map[string]bool {
	set := map[string]bool{}
	if gw, ok := object.(*v1beta1.IstioGateway); ok {
		for _, entry := range gw.Status.Clusters {
			for _, named := range unwatchedOf(entry.Objects) {
				set[fmt.Sprint(entry.ClusterID, named)] = true
			}
		}
	}
	return set
}

// targetSet are the targets of a gateway as a set.
func targetSet(object client.Object) map[Target]bool {
	set := map[Target]bool{}
	for _, target := range targetsOfGateway(context.Background(), object) {
		set[target] = true
	}
	return set
}

// everyGateway lists all gateways: what a cluster's registration can change.
func everyGateway(reader client.Reader) handler.MapFunc {
	return func(ctx context.Context, _ client.Object) []reconcile.Request {
		var requests []reconcile.Request
		for _, gw := range listGateways(ctx, reader) {
			requests = append(requests, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(&gw)})
		}
		return requests
	}
}

// targetsOfAll are the targets of all gateways.
func targetsOfAll(ctx context.Context, reader client.Reader) []Target {
	var targets []Target
	for _, gw := range listGateways(ctx, reader) {
		targets = append(targets, targetsOfGateway(ctx, &gw)...)
	}
	return targets
}
