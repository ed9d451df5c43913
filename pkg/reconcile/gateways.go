package reconcile

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
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
// of both.
type gateways struct {
	client   client.Client
	outcomes *outcomes
}

// Reconcile gathers what is known of a gateway, writes it to the status if it is news, and lets the gateway
// go when it is deleted and nothing of it is left.
func (g *gateways) Reconcile(ctx context.Context, gw *v1beta1.IstioGateway) (reconcile.Result, error) {
	if gw.DeletionTimestamp == nil && !controllerutil.ContainsFinalizer(gw, Finalizer) {
		// The write comes back as an event, and the next pass goes on from there.
		return reconcile.Result{}, g.changeFinalizer(ctx, gw, controllerutil.AddFinalizer)
	}
	if err := g.writeStatus(ctx, gw); err != nil {
		return reconcile.Result{}, quiet(err)
	}
	if gw.DeletionTimestamp != nil && len(gw.Status.Clusters) == 0 {
		return reconcile.Result{}, g.changeFinalizer(ctx, gw, controllerutil.RemoveFinalizer)
	}
	return reconcile.Result{}, nil
}

// writeStatus writes the status if it changed, and leaves in gw what is stored then.
func (g *gateways) writeStatus(ctx context.Context, gw *v1beta1.IstioGateway) error {
	registered, err := listClusters(ctx, g.client)
	if err != nil {
		return err
	}
	stored := gw.DeepCopy()
	gw.Status.Clusters = g.entries(gw, registered)
	summarize(gw, registered)
	if !equality.Semantic.DeepEqual(stored.Status, gw.Status) {
		if err := g.client.Status().Patch(ctx, gw, client.MergeFromWithOptions(stored, client.MergeFromWithOptimisticLock{})); err != nil {
			return fmt.Errorf("writing the status of IstioGateway %s/%s: %w", gw.Namespace, gw.Name, err)
		}
	}
	// Only now: what was reported and not written down must not be forgotten.
	g.outcomes.forgetGone(client.ObjectKeyFromObject(gw), gw.Status.Clusters)
	return nil
}

// entries are the clusters' parts of the status: what is stored, brought up to date by what was reported,
// without what is gone, and with what is to come.
func (g *gateways) entries(gw *v1beta1.IstioGateway, registered []v1alpha1.GatewayCluster) []v1beta1.ClusterStatus {
	reported := g.outcomes.of(client.ObjectKeyFromObject(gw))
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
			entry = result.entry
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
	if err := reader.List(ctx, list); err != nil {
		log.FromContext(ctx).Error(err, "Listing IstioGateways")
	}
	return list.Items
}
