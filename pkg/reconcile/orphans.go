package reconcile

import (
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/api/v1alpha1"
	"portcullis.dev/portcullis/pkg/gateway"
	"portcullis.dev/portcullis/pkg/render"
)

// annotationSweep on a GatewayCluster names the UIDs of gateways that are no more, whose objects in the cluster are to go.
const annotationSweep = "portcullis.dev/sweep"

// orphaned looks at the objects in a cluster that say to be of a gateway which has no entry for it: somebody took our
// finalizer away, gave the cluster up, or put the gateways' store back. All objects are seen when we start and when a
// cluster is connected, and so are those.
//
// What bears the UID of a gateway that lives and is not wanted there is its own, and goes. Of what bears another UID
// nobody here knows whose it is: another control plane may have made it and serve by it. It stays, and is told of, until
// somebody says that it is to go. gw is nil when there is no gateway of that name.
func (p *placements) orphaned(ctx context.Context, target Target, gw *v1beta1.IstioGateway) (reconcile.Result, error) {
	registered, err := listClusters(ctx, p.hub)
	if err != nil {
		return reconcile.Result{}, err
	}
	in := gateway.Find(registered, target.Cluster)
	if in == nil || gw != nil && (gateway.Paused(gw, in.Name) || slices.Contains(wanted(gw, registered), in.Name)) {
		return reconcile.Result{}, nil
	}
	to, err := p.clusters.of(in, registered)
	if err != nil {
		return reconcile.Result{}, nil //nolint:nilerr // whatever is there is seen when it is connected
	}
	of := gw
	if of == nil {
		of = &v1beta1.IstioGateway{}
		of.Namespace, of.Name = target.Gateway.Namespace, target.Gateway.Name
	}
	left, err := p.leftOf(ctx, to, of, in)
	if err != nil || len(left) == 0 {
		return reconcile.Result{}, err
	}
	if gw == nil {
		// The cache may not have heard of a gateway that was made a moment ago.
		if err := p.clusters.local.live.Get(ctx, target.Gateway, &v1beta1.IstioGateway{}); !apierrors.IsNotFound(err) {
			return reconcile.Result{RequeueAfter: firstPause}, err
		}
	}
	return p.sweep(ctx, to, in, of, left)
}

// sweep removes what is left of a gateway in a cluster if it is sure to be the gateway's, and tells of it otherwise.
func (p *placements) sweep(ctx context.Context, to *cluster, in *v1alpha1.GatewayCluster, of *v1beta1.IstioGateway, left []client.Object) (reconcile.Result, error) {
	ours := append(gateway.List(in.Annotations[annotationSweep]), string(of.UID))
	for _, object := range left {
		uid := object.GetLabels()[render.LabelGatewayUID]
		if uid != "" && slices.Contains(ours, uid) {
			continue
		}
		if _, told := p.told.LoadOrStore(in.Name+" "+uid, true); !told {
			p.events.orphans(in, of, uid, len(left))
		}
		return reconcile.Result{RequeueAfter: wait.Jitter(p.lookAgain, 0.5)}, nil
	}
	for _, object := range left {
		// The inventory, by which others of these kinds are removed, does not have them.
		if watched(object.GetObjectKind().GroupVersionKind()) {
			continue
		}
		if err := to.dispose(ctx, of, object); err != nil {
			return reconcile.Result{}, err
		}
	}
	if _, err := to.removeAll(ctx, of, in.Name); err != nil {
		return reconcile.Result{}, err
	}
	if _, told := p.told.LoadOrStore(in.Name+" swept "+string(left[0].GetUID()), true); !told {
		p.events.swept(in, of, len(left))
	}
	return reconcile.Result{RequeueAfter: lookSoon}, nil
}

// leftOf are the objects in a cluster that say to be of a gateway: those that are watched, and the others that were found.
func (p *placements) leftOf(ctx context.Context, to *cluster, gw *v1beta1.IstioGateway, in *v1alpha1.GatewayCluster) ([]client.Object, error) {
	left, err := to.leftOf(ctx, gw, in.Name)
	if err != nil {
		return nil, err
	}
	key := in.Name
	if isLocal(in) {
		key = here
	}
	others, err := p.strayed(ctx, to, key, Target{Gateway: client.ObjectKeyFromObject(gw), Cluster: in.Name})
	return append(others, left...), err
}

// leftOf are the watched objects in a cluster that say to be of a gateway. The cache is asked first, as most often there
// are none, and the API server whether that is still so.
func (c *cluster) leftOf(ctx context.Context, gw *v1beta1.IstioGateway, id string) ([]client.Object, error) {
	var left []client.Object
	for _, reader := range []client.Reader{c.client, c.live} {
		left = nil
		for _, kind := range ownedKinds() {
			found, err := c.find(ctx, reader, kind, gw, id)
			if err != nil {
				return nil, err
			}
			left = append(left, found...)
		}
		if len(left) == 0 {
			return nil, nil
		}
	}
	return left, nil
}

// orphans tells of objects whose gateway nobody here knows, and how to have them removed.
func (e events) orphans(in *v1alpha1.GatewayCluster, of *v1beta1.IstioGateway, uid string, count int) {
	e.recorder.Eventf(in, nil, corev1.EventTypeWarning, "OrphansFound", "Sweep",
		"Left %d objects in cluster %s alone that say to be of IstioGateway %s/%s with UID %s, which is not here. To have them removed, with their addresses: kubectl annotate gatewaycluster %s %s=%s",
		count, in.Name, of.Namespace, of.Name, uid, in.Name, annotationSweep, strings.Join(append(gateway.List(in.Annotations[annotationSweep]), uid), ","))
}

// swept tells that objects were removed which a gateway had left behind.
func (e events) swept(in *v1alpha1.GatewayCluster, of *v1beta1.IstioGateway, count int) {
	e.normal(in, nil, "OrphansRemoved", "Sweep", "%s", fmt.Sprintf("Removed %d objects from cluster %s that IstioGateway %s/%s had left there", count, in.Name, of.Namespace, of.Name))
}
