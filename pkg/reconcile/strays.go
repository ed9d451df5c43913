package reconcile

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/client"
	crcluster "sigs.k8s.io/controller-runtime/pkg/cluster"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
)

// The inventory finds what is not watched as long as there is one. What a gateway without an inventory left behind is found
// by a list of each such kind, of names and labels alone: once when a cluster is connected, and then seldom, once in so
// many times that what is not watched is looked at.
const straysAgain = 30

// straysPage is how many are read at once, and longestLook how long it may take to read all of a cluster.
const (
	straysPage  = 500
	longestLook = time.Minute
)

// unwatchedKinds are the kinds of objects that are not watched. A cluster may lack each.
func unwatchedKinds() []schema.GroupVersionKind {
	return []schema.GroupVersionKind{
		{Group: "networking.istio.io", Version: "v1alpha3", Kind: "EnvoyFilter"},
		{Group: "networking.istio.io", Version: "v1", Kind: "Gateway"},
		{Group: "cert-manager.io", Version: "v1", Kind: "Certificate"},
	}
}

// strays are the objects of such kinds that say to be of a gateway which has no entry for their cluster, as they were found
// last; by the key of the cluster where they are, and their target.
type strays struct {
	mu sync.Mutex
	in map[string]map[Target][]client.Object
}

// of are those of a target.
func (s *strays) of(key string, target Target) []client.Object {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.in[key][target]
}

// found replaces what is known of a cluster.
func (s *strays) found(key string, now map[Target][]client.Object) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.in == nil {
		s.in = map[string]map[Target][]client.Object{}
	}
	s.in[key] = now
}

// strayed are the strays of a target that are there still, as the API server has them.
func (p *placements) strayed(ctx context.Context, to *cluster, key string, target Target) ([]client.Object, error) {
	var out []client.Object
	for _, before := range p.strays.of(key, target) {
		kind := before.GetObjectKind().GroupVersionKind()
		object := &metav1.PartialObjectMetadata{}
		object.SetGroupVersionKind(kind)
		err := to.live.Get(ctx, client.ObjectKeyFromObject(before), object)
		if isLacking(err) || apierrors.IsNotFound(err) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("reading %s %s: %w", kind.Kind, client.ObjectKeyFromObject(before), err)
		}
		if slices.Contains(targetsOfObject(ctx, object), target) {
			out = append(out, object)
		}
	}
	return out, nil
}

// look finds the strays of a cluster, by their targets.
func (p *placements) look(ctx context.Context, live client.Reader) (map[Target][]client.Object, error) {
	ctx, cancel := context.WithTimeout(ctx, longestLook)
	defer cancel()
	out := map[Target][]client.Object{}
	for _, kind := range unwatchedKinds() {
		ours, err := allOurs(ctx, live, kind)
		if apierrors.IsForbidden(err) {
			log.FromContext(ctx).Info("Left out of the search for what gateways left behind", "kind", kind.Kind, "why", err.Error())
			continue
		}
		if err != nil {
			return nil, err
		}
		for _, object := range ours {
			targets, err := p.unknown(ctx, targetsOfObject(ctx, object))
			if err != nil {
				return nil, err
			}
			for _, target := range targets {
				out[target] = append(out[target], object)
			}
		}
	}
	return out, nil
}

// unknown are the targets that their gateways' status does not name.
func (p *placements) unknown(ctx context.Context, targets []Target) ([]Target, error) {
	var out []Target
	for _, target := range targets {
		known, err := p.knows(ctx, target)
		if err != nil {
			return nil, err
		}
		if !known {
			out = append(out, target)
		}
	}
	return out, nil
}

// knows says whether a target is one that its gateway's status names: what is there then is in an inventory.
func (p *placements) knows(ctx context.Context, target Target) (bool, error) {
	gw := &v1beta1.IstioGateway{}
	if err := p.hub.Get(ctx, target.Gateway, gw); err != nil {
		return false, client.IgnoreNotFound(err)
	}
	_, known := entryOf(gw, target.Cluster)
	return known, nil
}

// allOurs lists all objects of a kind that bear our label, none where the cluster does not have the kind. Nothing but their
// metadata is read.
func allOurs(ctx context.Context, live client.Reader, kind schema.GroupVersionKind) ([]client.Object, error) {
	ours, err := ourLabel()
	if err != nil {
		return nil, err
	}
	var out []client.Object
	list := &metav1.PartialObjectMetadataList{}
	for more := true; more; more = list.Continue != "" {
		list.SetGroupVersionKind(kind)
		err := live.List(ctx, list, client.MatchingLabelsSelector{Selector: ours}, client.Limit(straysPage), client.Continue(list.Continue))
		if isLacking(err) || apierrors.IsNotFound(err) {
			return nil, nil
		}
		if err != nil {
			return nil, fmt.Errorf("listing %ss: %w", kind.Kind, err)
		}
		for i := range list.Items {
			list.Items[i].SetGroupVersionKind(kind)
			out = append(out, &list.Items[i])
		}
		list = &metav1.PartialObjectMetadataList{ListMeta: metav1.ListMeta{Continue: list.Continue}}
	}
	return out, nil
}

// search looks for the strays of a cluster until the context ends, and wakes their targets.
func (p *placements) search(ctx context.Context, key string, live client.Reader, queue workqueue.TypedRateLimitingInterface[Target]) {
	// In a moment: a connection is told of before it can be used.
	for pause := time.Second; ; {
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
		found, err := p.look(ctx, live)
		if err != nil {
			log.FromContext(ctx).Info("Searching for what gateways left behind comes later", "cluster", key, "why", err.Error())
			pause = wait.Jitter(p.lookAgain, 0.5)
			continue
		}
		p.strays.found(key, found)
		for target := range found {
			queue.Add(target)
		}
		pause = wait.Jitter(straysAgain*p.lookAgain, 0.5)
	}
}

// searching searches in the cluster that we run in from the start of the worker on, and in the others while they are
// connected.
func searching(worker controller.TypedController[Target], work *placements, local client.Reader) (connectedFunc, error) {
	err := worker.Watch(source.TypedFunc[Target](func(ctx context.Context, queue workqueue.TypedRateLimitingInterface[Target]) error {
		go work.search(ctx, here, local, queue)
		return nil
	}))
	return func(ctx context.Context, id string, connection crcluster.Cluster) error {
		return worker.Watch(source.TypedFunc[Target](func(_ context.Context, queue workqueue.TypedRateLimitingInterface[Target]) error {
			go work.search(ctx, id, connection.GetAPIReader(), queue)
			return nil
		}))
	}, err
}
