package ruleset

import (
	"context"
	"fmt"
	"time"

	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"portcullis.dev/portcullis/pkg/api/v1alpha1"
)

// withdrawWithin is how long an ending replica tries to take its Lease back.
const withdrawWithin = 5 * time.Second

// SetupWithManager announces the replica, and reconciles with the manager, in every replica.
func (r *Ruleset) SetupWithManager(ctx context.Context, mgr manager.Manager) error {
	if err := r.Announce(ctx); err != nil {
		return fmt.Errorf("announcing the replica: %w", err)
	}
	// There is one thing to do, whatever changed.
	everything := reconcile.Request{}
	same := handler.EnqueueRequestsFromMapFunc(func(context.Context, client.Object) []reconcile.Request {
		return []reconcile.Request{everything}
	})
	err := builder.ControllerManagedBy(mgr).
		Named("ruleset").
		WithOptions(controller.Options{NeedLeaderElection: new(false)}).
		// Not on changes of status: those are the replicas' own, and each would wake all of them.
		Watches(&v1alpha1.GatewayPolicy{}, same, builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		// Another library changes what the policies' status says.
		WatchesRawSource(source.Channel(r.changed, same)).
		// Where there is no policy no event comes, and rules have to be compiled all the same.
		WatchesRawSource(source.Func(func(_ context.Context, queue workqueue.TypedRateLimitingInterface[reconcile.Request]) error {
			queue.Add(everything)
			return nil
		})).
		Complete(r)
	if err != nil {
		return err
	}
	if err := mgr.AddReadyzCheck("rules", r.Ready); err != nil {
		return err
	}
	return mgr.Add(presence{ruleset: r, every: renewEvery})
}

// presence keeps the Lease of a replica as long as it runs, whatever else it fails at, and takes it back at the end.
type presence struct {
	ruleset *Ruleset
	every   time.Duration
}

// Start renews until the context ends.
func (p presence) Start(ctx context.Context) error {
	ticker := time.NewTicker(p.every)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			if err := p.ruleset.Announce(ctx); err != nil {
				// Readiness says so too, once the others no longer wait for this replica.
				log.FromContext(ctx).Error(err, "Kept the Lease as it was")
			}
		case <-ctx.Done():
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), withdrawWithin)
			defer cancel()
			return p.ruleset.withdraw(ctx)
		}
	}
}

// NeedLeaderElection says that every replica does so.
func (presence) NeedLeaderElection() bool {
	return false
}
