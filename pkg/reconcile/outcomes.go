package reconcile

import (
	"context"
	"maps"
	"slices"
	"sync"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/event"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
)

// outcome is what came of the last pass over one target.
type outcome struct {
	// entry is the target's part of the gateway's status.
	entry v1beta1.ClusterStatus
	// gone is true when nothing of the gateway is left in the cluster and nothing shall be.
	gone bool
	// unreachable is true when the cluster could not be asked.
	unreachable bool
	// connecting is true when it is not known yet whether the cluster can be asked.
	connecting bool
}

// outcomes gathers what the targets' workers report until the gateway's worker writes it down. What it
// holds is lost with the process, and found again by the first pass after it.
type outcomes struct {
	mu        sync.Mutex
	byGateway map[types.NamespacedName]map[string]outcome
	exports   map[types.NamespacedName]map[string]export
	// changed wakes the worker of a gateway.
	changed chan event.TypedGenericEvent[types.NamespacedName]
}

// newOutcomes gathers nothing yet.
func newOutcomes() *outcomes {
	return &outcomes{
		byGateway: map[types.NamespacedName]map[string]outcome{},
		exports:   map[types.NamespacedName]map[string]export{},
		changed:   make(chan event.TypedGenericEvent[types.NamespacedName]),
	}
}

// report keeps what came of a target and wakes its gateway's worker.
func (o *outcomes) report(ctx context.Context, target Target, result outcome) {
	o.mu.Lock()
	if o.byGateway[target.Gateway] == nil {
		o.byGateway[target.Gateway] = map[string]outcome{}
	}
	o.byGateway[target.Gateway][target.Cluster] = result
	o.mu.Unlock()
	o.wake(ctx, target.Gateway)
}

// wake wakes a gateway's worker.
func (o *outcomes) wake(ctx context.Context, gateway types.NamespacedName) {
	select {
	case o.changed <- event.TypedGenericEvent[types.NamespacedName]{Object: gateway}:
	case <-ctx.Done():
	}
}

// latest is what is known of a target: what was reported last, or else what is stored. The status tells what was reported
// a moment later; a pass that fails in that moment must not unsay it, and with it what is held there.
func (o *outcomes) latest(target Target, stored v1beta1.ClusterStatus) v1beta1.ClusterStatus {
	o.mu.Lock()
	defer o.mu.Unlock()
	last, ok := o.byGateway[target.Gateway][target.Cluster]
	if !ok || last.gone {
		return stored
	}
	return *last.entry.DeepCopy()
}

// of lists what is known of a gateway's targets, by cluster.
func (o *outcomes) of(name types.NamespacedName) map[string]outcome {
	o.mu.Lock()
	defer o.mu.Unlock()
	return maps.Clone(o.byGateway[name])
}

// forgetGone drops what is known of a gateway in clusters that its status no longer names.
func (o *outcomes) forgetGone(name types.NamespacedName, entries []v1beta1.ClusterStatus) {
	o.mu.Lock()
	defer o.mu.Unlock()
	maps.DeleteFunc(o.byGateway[name], func(id string, _ outcome) bool {
		return !slices.ContainsFunc(entries, func(entry v1beta1.ClusterStatus) bool { return entry.ClusterID == id })
	})
	if len(o.byGateway[name]) == 0 {
		delete(o.byGateway, name)
	}
}
