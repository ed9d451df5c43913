package reconcile

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	discoveryv1ac "k8s.io/client-go/applyconfigurations/discovery/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/api/v1alpha1"
	"portcullis.dev/portcullis/pkg/gateway"
	"portcullis.dev/portcullis/pkg/render"
)

// exports makes the metrics of gateways available in the clusters that they go to: a Service there leads to the pods,
// wherever they run. Its targets are gateways in those clusters.
type exports struct {
	hub      client.Client
	clusters *clusters
	// outcomes takes the reports.
	outcomes *outcomes
	events   events
	// pods wakes the worker when pods come and go.
	pods *podWatches
}

// export is what came of the last pass over one export.
type export struct {
	entry v1beta1.MetricsExport
	// gone is true when nothing of it is left in the cluster, and nothing shall be.
	gone bool
	// tell tells of that, once the status names the export no more; nil when there is nothing to tell.
	tell func()
	// connecting is true when it is not known yet whether one of its clusters can be asked.
	connecting bool
}

// Reconcile brings one export to what the gateway and its pods say, and reports what came of it.
func (e *exports) Reconcile(ctx context.Context, target Target) (reconcile.Result, error) {
	gw := &v1beta1.IstioGateway{}
	if err := e.hub.Get(ctx, target.Gateway, gw); err != nil {
		return reconcile.Result{}, client.IgnoreNotFound(err)
	}
	entry, ok := exportOf(gw, target.Cluster)
	if !ok || !controllerutil.ContainsFinalizer(gw, Finalizer) || gateway.Paused(gw, target.Cluster) {
		return reconcile.Result{}, nil
	}
	entry = e.outcomes.latestExport(target, entry)
	registered, err := listClusters(ctx, e.hub)
	if err != nil {
		return reconcile.Result{}, err
	}
	work, cancel := context.WithTimeout(ctx, longestPass)
	defer cancel()
	result, err := e.bring(work, gw, entry, registered)
	if err != nil && !isRace(err) {
		result.entry.State, result.entry.Message = v1beta1.ClusterFailed, worded(err)
	}
	e.outcomes.reportExport(ctx, target, result)
	return result.next(err)
}

// next says when an export is taken up again if nothing happens.
func (x export) next(err error) (reconcile.Result, error) {
	switch {
	case isRace(err):
		return reconcile.Result{RequeueAfter: firstPause}, nil
	case err != nil:
		return reconcile.Result{}, err
	case x.connecting || x.entry.State == v1beta1.ClusterDeleting && !x.gone:
		return reconcile.Result{RequeueAfter: lookSoon}, nil
	}
	return reconcile.Result{}, nil
}

// bring brings an export into a cluster, or out of it.
func (e *exports) bring(ctx context.Context, gw *v1beta1.IstioGateway, entry v1beta1.MetricsExport, registered []v1alpha1.GatewayCluster) (export, error) {
	stays := metricsCluster(gw) == entry.ClusterID
	to, err := e.reach(registered, entry.ClusterID)
	if err != nil {
		return cutOff(gw, entry, stays, err), nil
	}
	if !stays {
		return e.withdraw(ctx, to, gw, entry)
	}
	return e.export(ctx, to, gw, entry, registered)
}

// cutOff is an export to a cluster that cannot be reached. It is taken up again when the cluster is connected. While that
// goes on after a start of ours, what is known stands: nothing is told of it, and nothing is given up.
func cutOff(gw *v1beta1.IstioGateway, entry v1beta1.MetricsExport, stays bool, why error) export {
	forgotten := gateway.Forgotten(gw, entry.ClusterID)
	if isConnecting(why) && (stays || !forgotten) {
		return export{entry: entry, connecting: true}
	}
	given := len(entry.Objects) == 0 || forgotten
	entry.State, entry.Message = v1beta1.ClusterFailed, worded(why)
	return export{entry: entry, gone: !stays && given}
}

// reach is a cluster by its ID, or why it cannot be reached.
func (e *exports) reach(registered []v1alpha1.GatewayCluster, id string) (*cluster, error) {
	in := gateway.Find(registered, id)
	if in == nil {
		return nil, errNotRegistered
	}
	return e.clusters.of(in, registered)
}

// export brings the Service and the addresses of all pods into a cluster. Where pods cannot be asked for, their addresses
// of before stay: a cluster that we lose is no reason to lose its metrics.
func (e *exports) export(ctx context.Context, to *cluster, gw *v1beta1.IstioGateway, entry v1beta1.MetricsExport, registered []v1alpha1.GatewayCluster) (export, error) {
	if err := e.pods.watch(ctx, to, gw.Namespace); err != nil {
		return export{entry: entry}, err
	}
	objects := []render.Object{metricsService(gw)}
	found, unread := e.everywhere(ctx, gw, registered)
	if slices.ContainsFunc(slices.Collect(maps.Values(unread)), isConnecting) {
		return export{entry: entry, connecting: true}, nil
	}
	for _, placed := range gw.Status.Clusters {
		for _, slice := range metricsSlices(gw, placed.ClusterID, found[placed.ClusterID]) {
			objects = append(objects, slice)
		}
	}
	applied, err := e.apply(ctx, to, gw, entry.ClusterID, objects)
	kept, withdrawn := to.dropExports(ctx, to.client, gw, func(object client.Object) bool {
		_, unknown := unread[object.GetLabels()[labelExportedFrom]]
		return unknown || err != nil || slices.Contains(applied, referenceTo(object))
	})
	entry.State, entry.Message, entry.Objects, entry.Endpoints = v1beta1.ClusterApplied, "", applied, 0
	for _, object := range kept {
		if !slices.Contains(entry.Objects, referenceTo(object)) {
			entry.Objects = append(entry.Objects, referenceTo(object))
		}
	}
	for _, object := range objects {
		if slice, ok := object.(*discoveryv1ac.EndpointSliceApplyConfiguration); ok {
			entry.Endpoints += int32(len(slice.Endpoints))
		}
	}
	return export{entry: entry}, errors.Join(err, withdrawn, joinedByCluster(unread))
}

// everywhere are a gateway's pods in each of its clusters, and why they are not known in the others.
func (e *exports) everywhere(ctx context.Context, gw *v1beta1.IstioGateway, registered []v1alpha1.GatewayCluster) (found map[string][]discoveryv1.EndpointSlice, unread map[string]error) {
	found, unread = map[string][]discoveryv1.EndpointSlice{}, map[string]error{}
	for _, placed := range gw.Status.Clusters {
		from, err := e.reach(registered, placed.ClusterID)
		if err == nil {
			found[placed.ClusterID], err = e.podsIn(ctx, from, gw)
		}
		if err != nil {
			unread[placed.ClusterID] = fmt.Errorf("the addresses of the pods in cluster %s are those of before: %w", placed.ClusterID, err)
		}
	}
	return found, unread
}

// joinedByCluster are errors of clusters as one, in the clusters' order.
func joinedByCluster(errs map[string]error) error {
	var out error
	for _, id := range slices.Sorted(maps.Keys(errs)) {
		out = errors.Join(out, errs[id])
	}
	return out
}

// podsIn are a gateway's pods in a cluster: as its Service there finds them, whose labels the slices have.
func (e *exports) podsIn(ctx context.Context, from *cluster, gw *v1beta1.IstioGateway) ([]discoveryv1.EndpointSlice, error) {
	if err := e.pods.watch(ctx, from, gw.Namespace); err != nil {
		return nil, err
	}
	list := &discoveryv1.EndpointSliceList{}
	labels := client.MatchingLabels{render.LabelGateway: gw.Name, discoveryv1.LabelServiceName: gateway.ObjectName(gw.Name)}
	if err := from.client.List(ctx, list, client.InNamespace(gw.Namespace), labels); err != nil {
		return nil, fmt.Errorf("listing EndpointSlices: %w", err)
	}
	slices.SortFunc(list.Items, func(a, b discoveryv1.EndpointSlice) int { return cmp.Compare(a.Name, b.Name) })
	return list.Items, nil
}

// apply applies what an export is made of, and says what is in the cluster then. A failing object does not stop the others.
func (e *exports) apply(ctx context.Context, to *cluster, gw *v1beta1.IstioGateway, id string, objects []render.Object) ([]v1beta1.ObjectReference, error) {
	var applied []v1beta1.ObjectReference
	var errs []error
	for _, object := range objects {
		done, err := to.apply(ctx, object, "", false)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		applied = append(applied, done.object)
		if done.created && done.object.Kind == "Service" {
			e.events.exported(gw, id)
		}
	}
	return applied, errors.Join(errs...)
}

// withdraw takes an export out of a cluster, and reports it gone when nothing is left. It reads from the API server: a
// cache that lags would let a gateway go while something is left.
func (e *exports) withdraw(ctx context.Context, to *cluster, gw *v1beta1.IstioGateway, entry v1beta1.MetricsExport) (export, error) {
	known := len(entry.Objects) > 0
	entry.State, entry.Message, entry.Endpoints = v1beta1.ClusterDeleting, "", 0
	left := 0
	_, err := to.dropExports(ctx, to.live, gw, func(client.Object) bool { left++; return false })
	if err != nil || left > 0 {
		return export{entry: entry}, err
	}
	out := export{entry: entry, gone: true}
	if known {
		out.tell = func() { e.events.withdrawn(gw, entry.ClusterID) }
	}
	return out, nil
}

// dropExports deletes of what a gateway's exports are made of in a cluster all that is not to be kept, and says what is.
// The Service goes last.
func (c *cluster) dropExports(ctx context.Context, reader client.Reader, gw *v1beta1.IstioGateway, keeps func(client.Object) bool) ([]client.Object, error) {
	var kept []client.Object
	for _, kind := range []ownedKind{
		{&discoveryv1.EndpointSlice{}, &discoveryv1.EndpointSliceList{}},
		{&corev1.Service{}, &corev1.ServiceList{}},
	} {
		found, err := c.findBy(ctx, reader, kind, gw, client.MatchingLabels{render.LabelGateway: gw.Name, labelExports: exportsMetrics})
		if err != nil {
			return kept, err
		}
		for _, object := range found {
			if keeps(object) {
				kept = append(kept, object)
				continue
			}
			if err := c.delete(ctx, object); err != nil {
				return kept, err
			}
		}
	}
	return kept, nil
}
