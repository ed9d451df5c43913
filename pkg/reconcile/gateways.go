package reconcile

import (
	"context"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/api/v1alpha1"
)

// Finalizer keeps a gateway until nothing of it is left in any cluster.
const Finalizer = "portcullis.dev/gateway"

// gateways writes each gateway's finalizer and status, from what its targets report. It is the only writer
// of both, and so the one who lets a held restart go.
type gateways struct {
	client    client.Client
	outcomes  *outcomes
	approvals approvals
	events    events
	// lost counts the addresses that went.
	lost lostAddresses
}

// Reconcile gathers what is known of a gateway, writes it to the status if it is news, and lets the gateway
// go when it is deleted and nothing of it is left.
func (g *gateways) Reconcile(ctx context.Context, gw *v1beta1.IstioGateway) (reconcile.Result, error) {
	if gw.DeletionTimestamp == nil && !controllerutil.ContainsFinalizer(gw, Finalizer) {
		// The write comes back as an event, and the next pass goes on from there.
		return reconcile.Result{}, g.changeFinalizer(ctx, gw, controllerutil.AddFinalizer)
	}
	// Before anything else: once the status no longer tells what was approved, nobody would record it. A conflict here is
	// one about an approval, of which no event wakes us.
	if err := g.approvals.record(ctx, gw); isRace(err) {
		return reconcile.Result{RequeueAfter: firstPause}, nil
	} else if err != nil {
		return reconcile.Result{}, err
	}
	wait, err := g.writeStatus(ctx, gw)
	if err != nil {
		return reconcile.Result{}, quiet(err)
	}
	if gw.DeletionTimestamp != nil && len(gw.Status.Clusters) == 0 && len(gw.Status.Exports) == 0 {
		return reconcile.Result{}, g.changeFinalizer(ctx, gw, controllerutil.RemoveFinalizer)
	}
	return reconcile.Result{RequeueAfter: wait}, nil
}

// writeStatus writes the status if it changed, and leaves in gw what is stored then. It says how long to wait for an
// approval that does not count yet; zero for none.
func (g *gateways) writeStatus(ctx context.Context, gw *v1beta1.IstioGateway) (time.Duration, error) {
	registered, err := listClusters(ctx, g.client)
	if err != nil {
		return 0, err
	}
	stored := gw.DeepCopy()
	gw.Status.Clusters = g.entries(gw, registered)
	gw.Status.Exports = exportEntries(gw, g.outcomes.exported.of(client.ObjectKeyFromObject(gw)))
	if gw.Status.Pending, err = pendingOf(gw); err != nil {
		return 0, err
	}
	wait, err := g.approvals.release(ctx, stored, gw)
	if err != nil {
		return 0, err
	}
	summarize(gw, registered)
	if !equality.Semantic.DeepEqual(stored.Status, gw.Status) {
		if err := g.client.Status().Patch(ctx, gw, client.MergeFromWithOptions(stored, client.MergeFromWithOptimisticLock{})); err != nil {
			return 0, fmt.Errorf("writing the status of IstioGateway %s/%s: %w", gw.Namespace, gw.Name, err)
		}
		g.outcomes.tellGone(stored, gw)
		g.events.pending(gw, stored.Status.Pending, gw.Status.Pending)
		for _, change := range readdressing(stored, gw) {
			g.events.readdressed(gw, change)
			g.lost.count(change)
		}
	}
	// Only now: what was reported and not written down must not be forgotten.
	g.outcomes.forgetGone(gw)
	return wait, nil
}

// entries are the clusters' parts of the status: what is stored, brought up to date by what was reported,
// without what is gone, and with what is to come.
func (g *gateways) entries(gw *v1beta1.IstioGateway, registered []v1alpha1.GatewayCluster) []v1beta1.ClusterStatus {
	reported := g.outcomes.placed.of(client.ObjectKeyFromObject(gw))
	stays := wanted(gw, registered)
	missing := map[string]bool{}
	for _, id := range stays {
		missing[id] = true
	}
	var entries []v1beta1.ClusterStatus
	for _, entry := range gw.Status.Clusters {
		result, ok := reported[entry.ClusterID]
		if ok && result.gone && !missing[entry.ClusterID] {
			continue
		}
		if ok && !result.gone {
			entry = remembering(entry, result.entry, g.approvals.now())
		}
		delete(missing, entry.ClusterID)
		entries = append(entries, entry)
	}
	for _, id := range stays {
		if missing[id] {
			entries = append(entries, v1beta1.ClusterStatus{ClusterID: id, State: v1beta1.ClusterPending})
		}
	}
	return entries
}

// changeFinalizer adds or removes our finalizer, unless somebody else wrote meanwhile.
func (g *gateways) changeFinalizer(ctx context.Context, gw *v1beta1.IstioGateway, change func(client.Object, string) bool) error {
	stored := gw.DeepCopy()
	if !change(gw, Finalizer) {
		return nil
	}
	if err := g.client.Patch(ctx, gw, client.MergeFromWithOptions(stored, client.MergeFromWithOptimisticLock{})); err != nil {
		return quiet(fmt.Errorf("writing the finalizers of IstioGateway %s/%s: %w", gw.Namespace, gw.Name, err))
	}
	return nil
}

// listClusters reads the registered clusters from the cache.
func listClusters(ctx context.Context, reader client.Reader) ([]v1alpha1.GatewayCluster, error) {
	list := &v1alpha1.GatewayClusterList{}
	if err := reader.List(ctx, list); err != nil {
		return nil, fmt.Errorf("listing GatewayClusters: %w", err)
	}
	return list.Items, nil
}

// isRace says whether somebody else wrote at the same time. Whoever lost tries again, and nobody needs to read of it. That
// another owner holds a field is no race: it does not pass by itself.
func isRace(err error) bool {
	return apierrors.IsConflict(err) && !apierrors.HasStatusCause(err, metav1.CauseTypeFieldManagerConflict)
}

// quiet drops what the next event settles by itself: the gateway changed meanwhile, or is gone.
func quiet(err error) error {
	if apierrors.IsConflict(err) || apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

// listGateways reads all gateways from the cache. Its callers turn events into queue items and have nobody to
// tell; a cache that cannot list is one that never synced, and then no event comes either.
func listGateways(ctx context.Context, reader client.Reader) []v1beta1.IstioGateway {
	list := &v1beta1.IstioGatewayList{}
	// They are looked at and not changed, so nothing is copied.
	if err := reader.List(ctx, list, client.UnsafeDisableDeepCopy); err != nil {
		log.FromContext(ctx).Error(err, "Listing IstioGateways")
	}
	return list.Items
}
