package audit

import (
	"context"
	"errors"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/util/flowcontrol"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/api/v1alpha1"
	"portcullis.dev/portcullis/pkg/policy"
	"portcullis.dev/portcullis/pkg/review"
)

// worker audits one gateway after the other, and no faster than its pace: whatever is wrong with however many, who applies
// a gateway meanwhile does not notice.
type worker struct {
	// client reads from memory, and writes.
	client   client.Client
	rules    *rulebook
	pace     flowcontrol.RateLimiter
	interval time.Duration
	tally    *tally
	reports  *reports
	events   events
	now      func() time.Time
}

// retryAfter is how long what could not be decided waits at most.
const retryAfter = time.Minute

// Reconcile audits one gateway, writes what came of it if that is news, and comes again after the interval.
func (w *worker) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	gw := &v1beta1.IstioGateway{}
	err := w.client.Get(ctx, request.NamespacedName, gw)
	if apierrors.IsNotFound(err) || err == nil && gw.DeletionTimestamp != nil {
		// On its way out nobody would have it changed any more.
		w.tally.forget(request.NamespacedName)
		return reconcile.Result{}, nil
	}
	if err != nil {
		return reconcile.Result{}, fmt.Errorf("reading IstioGateway %s: %w", request.NamespacedName, err)
	}
	if err := w.pace.Wait(ctx); err != nil {
		return reconcile.Result{}, nil //nolint:nilerr // we are ending, and nobody waits for this
	}
	result, undecided := w.audit(ctx, gw)
	if undecided != nil {
		w.tally.failures.Inc()
		log.FromContext(ctx).Error(undecided, "Decided nothing")
	} else {
		w.tally.decided(request.NamespacedName, Counts(result.Findings), w.now())
	}
	if err := w.tell(ctx, gw, result, undecided); err != nil {
		w.tally.failures.Inc()
		return reconcile.Result{}, err
	}
	if undecided != nil {
		// What was in the way, a starved processor for example, may be gone soon.
		return reconcile.Result{RequeueAfter: min(w.interval, retryAfter)}, nil
	}
	return reconcile.Result{RequeueAfter: w.interval}, nil
}

// audit asks the rules in force about a gateway.
func (w *worker) audit(ctx context.Context, gw *v1beta1.IstioGateway) (Result, error) {
	engine, err := w.rules.current(ctx)
	if err != nil {
		return Result{}, err
	}
	w.tally.askedAre(engine)
	object, err := runtime.DefaultUnstructuredConverter.ToUnstructured(gw)
	if err != nil {
		return Result{}, fmt.Errorf("writing the gateway as JSON: %w", err)
	}
	object["apiVersion"], object["kind"] = v1beta1.GroupVersion.String(), "IstioGateway"
	return Auditor{Reviewer: &review.Reviewer{
		Engine:   func() *policy.Engine { return engine },
		Clusters: w.clusters,
		// A new gateway has none, so nobody asks.
		Approvals: func(context.Context, string, string) ([]v1alpha1.ChangeApproval, error) { return nil, nil },
		Gateways:  w.gateways,
		Gateway:   w.gateway,
		Now:       w.now,
	}}.Audit(ctx, object)
}

// tell writes what came of an audit where people look. A report that cannot be written keeps nothing from the status.
func (w *worker) tell(ctx context.Context, gw *v1beta1.IstioGateway, result Result, undecided error) error {
	next := verdictOf(gw.Generation, result, undecided)
	changed, err := w.write(ctx, gw, next)
	if changed && err == nil {
		w.events.audited(gw, gw.Status.Audit, next)
	}
	return errors.Join(err, w.reports.tell(ctx, gw, result, undecided))
}

// clusters lists the registered clusters.
func (w *worker) clusters(ctx context.Context) ([]v1alpha1.GatewayCluster, error) {
	list := &v1alpha1.GatewayClusterList{}
	err := w.client.List(ctx, list)
	return list.Items, err
}

// gateways lists all gateways.
func (w *worker) gateways(ctx context.Context) ([]v1beta1.IstioGateway, error) {
	list := &v1beta1.IstioGatewayList{}
	err := w.client.List(ctx, list)
	return list.Items, err
}

// gateway is the gateway of a name, nil when there is none.
func (w *worker) gateway(ctx context.Context, namespace, name string) (*v1beta1.IstioGateway, error) {
	gw := &v1beta1.IstioGateway{}
	if err := w.client.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, gw); err != nil {
		return nil, client.IgnoreNotFound(err)
	}
	return gw, nil
}
