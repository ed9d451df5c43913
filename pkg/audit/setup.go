package audit

import (
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/util/flowcontrol"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/api/v1alpha1"
	"portcullis.dev/portcullis/pkg/policy"
)

// DefaultPerSecond is how many gateways are audited in a second at most: a thousand in less than a minute, with a
// twentieth of a core and sixty requests a second to the API server when all of them have something new to tell.
const DefaultPerSecond = 20

// patience is how long one question to the rules may take.
const patience = 10 * time.Second

// Options are what whoever runs the controller decides about the audit in the background.
type Options struct {
	// Interval between two audits of a gateway of which nothing changes; zero takes what was written of audits away.
	Interval time.Duration
	// PerSecond bounds how many gateways are audited in a second.
	PerSecond float32
	// Library is the rules that GatewayPolicies come beside; nil when they come later, by what Setup returns.
	Library fs.FS
	// Rules are the configuration, and the deadline: ten seconds where it says nothing, as nobody waits.
	Rules policy.Options
	// Metrics takes what is counted; nobody does when it is nil.
	Metrics prometheus.Registerer
}

// SetLibrary has another library be asked, of which a revision is the name.
type SetLibrary func(ctx context.Context, rules fs.FS, revision string) error

// Setup puts the audit on a manager, whose leader does it.
func Setup(mgr manager.Manager, options Options) (SetLibrary, error) {
	asker, err := discovery.NewDiscoveryClientForConfigAndClient(mgr.GetConfig(), mgr.GetHTTPClient())
	if err != nil {
		return nil, fmt.Errorf("preparing to ask for what is served: %w", err)
	}
	options.Rules.Deadline = cmp.Or(options.Rules.Deadline, patience)
	again, counted := make(chan event.GenericEvent, 1), newTally()
	work := &worker{
		client:   mgr.GetClient(),
		rules:    &rulebook{reader: mgr.GetClient(), options: options.Rules, library: options.Library, changed: func() { wake(again) }},
		pace:     flowcontrol.NewTokenBucketRateLimiter(options.PerSecond, 1),
		interval: options.Interval,
		tally:    counted,
		reports: &reports{
			client: mgr.GetClient(), versions: groupVersions(asker.RESTClient()),
			ask: min(options.Interval, time.Minute), now: time.Now, failed: counted.failures.Inc,
		},
		events: events{recorder: mgr.GetEventRecorder("portcullis")},
		now:    time.Now,
	}
	if options.Interval == 0 {
		return work.rules.SetLibrary, setupRetired(mgr, work)
	}
	if options.Metrics != nil {
		if err := options.Metrics.Register(work.tally); err != nil {
			return nil, fmt.Errorf("registering the metrics: %w", err)
		}
	}
	return work.rules.SetLibrary, setupWorker(mgr, work, again)
}

// setupWorker wakes the worker when a gateway changes, and for all gateways when what decides does. One gateway is audited
// at a time, so that this never takes more than one core.
func setupWorker(mgr manager.Manager, work *worker, again chan event.GenericEvent) error {
	all := handler.EnqueueRequestsFromMapFunc(everyGateway(mgr.GetClient()))
	changed := predicate.Or(predicate.GenerationChangedPredicate{}, predicate.LabelChangedPredicate{}, predicate.AnnotationChangedPredicate{})
	return builder.ControllerManagedBy(mgr).
		Named("audit").
		WithOptions(controller.Options{MaxConcurrentReconciles: 1}).
		// Not on changes of status: those are ours and the controller's.
		Watches(&v1beta1.IstioGateway{}, &handler.EnqueueRequestForObject{}, builder.WithPredicates(changed)).
		Watches(&v1alpha1.GatewayPolicy{}, all, builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		Watches(&v1alpha1.GatewayCluster{}, all, builder.WithPredicates(predicate.Or(predicate.GenerationChangedPredicate{}, factsChanged()))).
		WatchesRawSource(source.Channel(again, all)).
		Complete(work)
}

// setupRetired looks once at each gateway.
func setupRetired(mgr manager.Manager, work *worker) error {
	return builder.ControllerManagedBy(mgr).
		Named("audit").
		WithOptions(controller.Options{MaxConcurrentReconciles: 1}).
		Watches(&v1beta1.IstioGateway{}, &handler.EnqueueRequestForObject{}, builder.WithPredicates(predicate.Funcs{
			UpdateFunc: func(event.UpdateEvent) bool { return false },
		})).
		Complete(retired{work})
}

// wake asks for an audit of every gateway; one that is asked for already is enough.
func wake(again chan event.GenericEvent) {
	select {
	case again <- event.GenericEvent{Object: &v1alpha1.GatewayPolicy{}}:
	default:
	}
}

// factsChanged lets updates of clusters pass of which something else was found out.
func factsChanged() predicate.Predicate {
	return predicate.Funcs{UpdateFunc: func(e event.UpdateEvent) bool {
		before, isCluster := e.ObjectOld.(*v1alpha1.GatewayCluster)
		after, stays := e.ObjectNew.(*v1alpha1.GatewayCluster)
		return isCluster && stays && !equality.Semantic.DeepEqual(before.Status.Facts, after.Status.Facts)
	}}
}

// everyGateway makes one thing that changed a reason to audit all gateways.
func everyGateway(reader client.Reader) handler.MapFunc {
	return func(ctx context.Context, _ client.Object) []reconcile.Request {
		list := &v1beta1.IstioGatewayList{}
		if err := reader.List(ctx, list); err != nil {
			log.FromContext(ctx).Error(err, "Listing IstioGateways")
		}
		var out []reconcile.Request
		for _, gw := range list.Items {
			out = append(out, reconcile.Request{NamespacedName: types.NamespacedName{Namespace: gw.Namespace, Name: gw.Name}})
		}
		return out
	}
}

// rawGetter begins a request that reads.
type rawGetter interface {
	Get() *rest.Request
}
