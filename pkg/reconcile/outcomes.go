package reconcile

import (
	"context"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
)

// outcome is what came of the last pass over one target.
type outcome struct {
	// entry is the target's part of the gateway's status.
	entry v1beta1.ClusterStatus
	// gone is true when nothing of the gateway is left in the cluster and nothing shall be.
	gone bool
	// tell tells of that, once the status names the cluster no more; nil when there is nothing to tell.
	tell func()
	// unreachable is true when the cluster could not be asked.
	unreachable bool
	// connecting is true when it is not known yet whether the cluster can be asked.
	connecting bool
}

// outcomes gathers what the targets' workers report until the gateway's worker writes it down.
type outcomes struct {
	// placed and exported are what came of placements and of exports.
	placed   reports[outcome]
	exported reports[export]
	// changed wakes the worker of a gateway.
	changed chan event.TypedGenericEvent[types.NamespacedName]
}

// newOutcomes gathers nothing yet.
func newOutcomes() *outcomes {
	return &outcomes{changed: make(chan event.TypedGenericEvent[types.NamespacedName])}
}

// report keeps what came of a target and wakes its gateway's worker.
func (o *outcomes) report(ctx context.Context, target Target, result outcome) {
	o.placed.keep(target, result)
	o.wake(ctx, target.Gateway)
}

// reportExport keeps what came of an export and wakes its gateway's worker.
func (o *outcomes) reportExport(ctx context.Context, target Target, result export) {
	o.exported.keep(target, result)
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
	last, ok := o.placed.last(target)
	if !ok || last.gone {
		return stored
	}
	return *last.entry.DeepCopy()
}

// latestExport is what is known of an export, as latest is of a target.
func (o *outcomes) latestExport(target Target, stored v1beta1.MetricsExport) v1beta1.MetricsExport {
	last, ok := o.exported.last(target)
	if !ok || last.gone {
		return stored
	}
	return *last.entry.DeepCopy()
}

// forgetGone drops what is known of a gateway in clusters that its status no longer names.
func (o *outcomes) forgetGone(gw *v1beta1.IstioGateway) {
	placed, exported := map[string]bool{}, map[string]bool{}
	for _, entry := range gw.Status.Clusters {
		placed[entry.ClusterID] = true
	}
	for _, entry := range gw.Status.Exports {
		exported[entry.ClusterID] = true
	}
	o.placed.retain(client.ObjectKeyFromObject(gw), placed)
	o.exported.retain(client.ObjectKeyFromObject(gw), exported)
}

// tellGone tells what is to be told of the clusters that a gateway's status named before it was written, and names no
// more. Told any sooner, it would be told again by the next process if this one were killed before it wrote.
func (o *outcomes) tellGone(before, after *v1beta1.IstioGateway) {
	name := client.ObjectKeyFromObject(after)
	clusters, exports := o.placed.of(name), o.exported.of(name)
	for _, entry := range before.Status.Clusters {
		if _, stays := entryOf(after, entry.ClusterID); !stays && clusters[entry.ClusterID].tell != nil {
			clusters[entry.ClusterID].tell()
		}
	}
	for _, entry := range before.Status.Exports {
		if _, stays := exportOf(after, entry.ClusterID); !stays && exports[entry.ClusterID].tell != nil {
			exports[entry.ClusterID].tell()
		}
	}
}
