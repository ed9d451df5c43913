package reconcile

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/api/v1alpha1"
	connected "portcullis.dev/portcullis/pkg/cluster"
	"portcullis.dev/portcullis/pkg/gateway"
	"portcullis.dev/portcullis/pkg/render"
)

// longestPass is how long one target is worked on at once; what is left over is done in the next pass.
const longestPass = 10 * time.Second

// placements makes gateways real, one cluster at a time.
type placements struct {
	// hub reads gateways and clusters.
	hub client.Client
	// clusters are what is written to.
	clusters *clusters
	// outcomes takes the reports.
	outcomes *outcomes
	// events tells people what happened.
	events events
	// counts tells what is done.
	counts *counts
	// lookAgain is how often objects that are not watched are looked at.
	lookAgain time.Duration
	// told are the orphans that were told of.
	told sync.Map
	// strays are objects that are not watched and that no gateway's status names.
	strays strays
}

// Reconcile brings one target to what the gateway says, and reports what came of it.
func (p *placements) Reconcile(ctx context.Context, target Target) (reconcile.Result, error) {
	gw := &v1beta1.IstioGateway{}
	if err := p.hub.Get(ctx, target.Gateway, gw); apierrors.IsNotFound(err) {
		return p.orphaned(ctx, target, nil)
	} else if err != nil {
		return reconcile.Result{}, err
	}
	// Nothing is applied before the finalizer and the status entry are stored: whatever happens then, it
	// is known that something may have to be removed.
	entry, ok := entryOf(gw, target.Cluster)
	if !ok {
		// Whether its finalizer is there yet does not matter: nothing is applied.
		return p.orphaned(ctx, target, gw)
	}
	if !controllerutil.ContainsFinalizer(gw, Finalizer) {
		return reconcile.Result{}, nil
	}
	entry = p.outcomes.latest(target, entry)
	entry.Paused, entry.Waiting, entry.Foreign, entry.Lacking = gateway.Paused(gw, target.Cluster), nil, nil, nil
	registered, err := listClusters(ctx, p.hub)
	if err != nil {
		return reconcile.Result{}, err
	}
	// Until a cluster that hangs is known to be lost, it must not keep a worker from the others for long.
	work, cancel := context.WithTimeout(noticing(ctx), longestPass)
	defer cancel()
	result, err := p.bring(work, gw, entry, registered)
	p.counts.passed(work, result, err)
	// That somebody else wrote at the same time is settled by the next pass, and nothing that people should read.
	if err != nil && !isRace(err) {
		result.entry = failedBy(result.entry, err)
	}
	p.outcomes.report(ctx, target, result)
	if isRace(err) {
		return reconcile.Result{RequeueAfter: firstPause}, nil
	}
	if err != nil {
		// It comes back after a growing while, for ever: a cluster mends without telling us.
		return reconcile.Result{}, err
	}
	return reconcile.Result{RequeueAfter: p.again(result)}, nil
}

// failedBy is an entry that says what stands in the way, on one line.
func failedBy(entry v1beta1.ClusterStatus, err error) v1beta1.ClusterStatus {
	entry.State, entry.Message = v1beta1.ClusterFailed, worded(err)
	return entry
}

// worded is an error for people, on one line.
func worded(err error) string {
	return shortened(strings.ReplaceAll(err.Error(), "\n", "; "), longestMessage)
}

// bring brings a gateway into a cluster, or out of it.
func (p *placements) bring(ctx context.Context, gw *v1beta1.IstioGateway, entry v1beta1.ClusterStatus, registered []v1alpha1.GatewayCluster) (outcome, error) {
	in := gateway.Find(registered, entry.ClusterID)
	stays := slices.Contains(wanted(gw, registered), entry.ClusterID)
	if in == nil {
		return p.unreachable(gw, entry, stays, errNotRegistered), nil
	}
	to, err := p.clusters.of(in, registered)
	if keeper := p.clusters.keeping(err, gw, registered); keeper != nil && !stays {
		to, err = keeper, nil
	}
	if err != nil {
		return p.unreachable(gw, entry, stays, err), nil
	}
	if entry.Paused && !stays {
		entry.Waiting = []string{"everything there is to be deleted"}
		return outcome{entry: entry}, nil
	}
	if entry.Paused {
		return p.pause(ctx, to, gw, entry, in)
	}
	if !stays {
		return p.remove(ctx, to, gw, entry)
	}
	return p.place(ctx, to, gw, entry, in)
}

// errNotRegistered is why a cluster that nobody registered is not written to.
var errNotRegistered = errors.New("the cluster is not registered: no GatewayCluster has this name")

// unreachable reports a cluster that we cannot write to. It changes nothing there: the work is taken up when the cluster
// is connected. Where the gateway is not wanted any more, a cluster that holds nothing of it is done with, and so is one
// that somebody gave up.
func (p *placements) unreachable(gw *v1beta1.IstioGateway, entry v1beta1.ClusterStatus, stays bool, why error) outcome {
	if !stays && len(entry.Objects) > 0 && gateway.Forgotten(gw, entry.ClusterID) {
		return outcome{entry: entry, gone: true, tell: func() { p.events.forgotten(gw, entry) }}
	}
	if isConnecting(why) {
		// That we started is no news of the cluster: what is known of it stands until something else is. That nothing is known
		// to be there is no proof of it either: whoever applied it may have been killed before that was written down.
		return outcome{entry: entry, unreachable: true, connecting: true}
	}
	if !stays && len(entry.Objects) == 0 {
		return outcome{entry: entry, gone: true}
	}
	entry.State, entry.Message = v1beta1.ClusterFailed, shortened(why.Error(), longestMessage)
	// What is still to go from a cluster that is registered otherwise waits for the other registration, which wakes nobody.
	_, twin := errors.AsType[*connected.TwinError](why)
	return outcome{entry: entry, unreachable: true, connecting: twin && !stays}
}

// isConnecting says whether a registered cluster is being connected for the first time, or is about to be: nothing is known
// of it yet.
func isConnecting(why error) bool {
	var not *connected.NotConnectedError
	return errors.Is(why, connected.ErrNotRegistered) || errors.As(why, &not) && not.Cause == nil && !not.Since.IsZero()
}

// place applies what the gateway is in a cluster, but for what is held there, and prunes what it no longer is.
func (p *placements) place(ctx context.Context, to *cluster, gw *v1beta1.IstioGateway, entry v1beta1.ClusterStatus, in *v1alpha1.GatewayCluster) (outcome, error) {
	plan, err := to.plan(ctx, gw, in)
	if err != nil {
		return outcome{entry: entry}, err
	}
	objects := plan.objects.List()
	ready := announced(objects, entry.Objects)
	applied, fails, lacks := p.applyAll(ctx, to, gw, entry.ClusterID, ready, plan)
	entry.Lacking = lacks
	applied = append(applied, customs(objects)...)
	if err = joined(ready, fails); err != nil {
		var dry error
		if entry.Foreign, dry = to.conflicts(ctx, fails, ready, gw.Annotations[gateway.AnnotationAdopt]); dry != nil {
			err = errors.Join(err, dry)
		}
		// What failed may be there from before: it stays in the inventory until it is known to be gone.
		return outcome{entry: inventory(entry, append(entry.Objects, applied...), plan)}, err
	}
	// Pruned only when everything is in place, so that what replaces an object is there before it goes.
	if err := to.prune(ctx, gw, entry.ClusterID, applied); err != nil {
		return outcome{entry: inventory(entry, append(entry.Objects, applied...), plan)}, err
	}
	entry = inventory(entry, applied, plan)
	// What is not applied does not run, so it pins nothing.
	entry.Mesh, entry.Renderer, entry.Held = &plan.placed.Mesh, plan.renderer, plan.held
	entry.Effective = gateway.Overridden(gw, plan.placed)
	// What the cluster lacks the kind of is told, and keeps nothing else from being as the gateway says.
	if len(ready) == len(objects) {
		entry.ObservedGeneration, entry.Fingerprint = gw.Generation, plan.fingerprint
	}
	if err := to.keepMade(gw, in, plan); err != nil {
		return outcome{entry: entry}, err
	}
	entry, err = to.observe(ctx, entry, plan.placed)
	return outcome{entry: entry}, err
}

// applyAll applies objects in their order, the Deployment at one version. A failing one does not stop the others: each
// that works is worth having. What fails because the cluster lacks its kind is told apart.
func (p *placements) applyAll(ctx context.Context, to *cluster, gw *v1beta1.IstioGateway, id string, objects []render.Object, plan plan) (there []v1beta1.ObjectReference, failed map[render.Object]error, lacks []string) {
	failed = map[render.Object]error{}
	var done []applied
	take := gw.Annotations[gateway.AnnotationAdopt] == gateway.AdoptTake
	for _, object := range objects {
		at := ""
		if object == render.Object(plan.objects.Deployment) {
			at = plan.at
		}
		one, err := to.apply(ctx, object, at, take)
		p.counts.applied(ctx, *object.GetKind(), one, err)
		var lack *lacking
		switch {
		case errors.As(err, &lack):
			lacks = append(lacks, worded(err))
		case err != nil:
			failed[object] = err
		default:
			done, there = append(done, one), append(there, one.object)
		}
	}
	p.events.applied(gw, id, done)
	return there, failed, lacks
}

// joined are the failures of objects as one, in the objects' order; nil when there is none.
func joined(objects []render.Object, failed map[render.Object]error) error {
	var out error
	for _, object := range objects {
		out = errors.Join(out, failed[object])
	}
	return out
}

// inventory notes in an entry which objects are in the cluster.
func inventory(entry v1beta1.ClusterStatus, objects []v1beta1.ObjectReference, plan plan) v1beta1.ClusterStatus {
	entry.Objects = nil
	for _, object := range objects {
		if !slices.Contains(entry.Objects, object) {
			entry.Objects = append(entry.Objects, object)
		}
	}
	// A gateway without ports has no Service, and then no load balancer to wait for.
	entry.ServiceType = ""
	if slices.ContainsFunc(entry.Objects, func(object v1beta1.ObjectReference) bool { return object.Kind == "Service" }) {
		entry.ServiceType = *plan.placed.Spec.ServiceType
	}
	return entry
}

// remove takes a gateway out of a cluster, and reports it gone when nothing is left.
func (p *placements) remove(ctx context.Context, to *cluster, gw *v1beta1.IstioGateway, entry v1beta1.ClusterStatus) (outcome, error) {
	entry.State, entry.Message, entry.Held = v1beta1.ClusterDeleting, "", nil
	left, err := to.removeAll(ctx, gw, entry.ClusterID)
	if err != nil {
		return outcome{entry: entry}, err
	}
	return outcome{entry: entry, gone: left == 0, tell: func() { p.events.removed(gw, entry.ClusterID) }}, nil
}

// entryOf is a cluster's part of a gateway's status.
func entryOf(gw *v1beta1.IstioGateway, id string) (v1beta1.ClusterStatus, bool) {
	for _, entry := range gw.Status.Clusters {
		if entry.ClusterID == id {
			return *entry.DeepCopy(), true
		}
	}
	return v1beta1.ClusterStatus{}, false
}
