package reconcile

import (
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/render"
)

// prune deletes the objects of a gateway that it is no longer made of, an autoscaler that is not wanted any
// more for example.
func (c *cluster) prune(ctx context.Context, gw *v1beta1.IstioGateway, id string, keep []v1beta1.ObjectReference) error {
	for _, kind := range ownedKinds() {
		found, err := c.cached(ctx, kind, gw, id)
		if err != nil {
			return err
		}
		for _, object := range found {
			if slices.Contains(keep, referenceTo(object)) {
				continue
			}
			if err := c.delete(ctx, object); err != nil {
				return err
			}
		}
	}
	entry, _ := entryOf(gw, id)
	_, err := c.eachUnwatched(ctx, gw, id, without(entry.Objects, keep), c.delete)
	return err
}

// surplus names what pruning would delete.
func (c *cluster) surplus(ctx context.Context, gw *v1beta1.IstioGateway, id string, keep []v1beta1.ObjectReference) ([]v1beta1.ObjectReference, error) {
	var out []v1beta1.ObjectReference
	for _, kind := range ownedKinds() {
		found, err := c.cached(ctx, kind, gw, id)
		if err != nil {
			return nil, err
		}
		for _, object := range found {
			out = append(out, referenceTo(object))
		}
	}
	entry, _ := entryOf(gw, id)
	return without(append(out, unwatchedOf(entry.Objects)...), keep), nil
}

// without are the objects of a list that are not in another one.
func without(objects, others []v1beta1.ObjectReference) []v1beta1.ObjectReference {
	return slices.DeleteFunc(slices.Clone(objects), func(object v1beta1.ObjectReference) bool { return slices.Contains(others, object) })
}

// removeAll deletes all that a gateway is made of, but for what its policy keeps, and says how many objects are still its.
// The Service
// goes after everything else is gone, because its load balancer's address goes with it.
//
// It reads from the API server: a cache that lags would let a gateway go while something of it is left.
func (c *cluster) removeAll(ctx context.Context, gw *v1beta1.IstioGateway, id string) (int, error) {
	entry, _ := entryOf(gw, id)
	dispose := func(ctx context.Context, object client.Object) error { return c.dispose(ctx, gw, object) }
	left, err := c.eachUnwatched(ctx, gw, id, entry.Objects, dispose)
	if err != nil {
		return left, err
	}
	for _, kind := range ownedKinds() {
		if _, service := kind.object.(*corev1.Service); service && left > 0 {
			return left, nil
		}
		found, err := c.find(ctx, c.live, kind, gw, id)
		if err != nil {
			return left, err
		}
		for _, object := range found {
			if err := dispose(ctx, object); err != nil {
				return left, err
			}
		}
		left += len(found)
	}
	return left, nil
}

// cached lists a gateway's objects of one kind in a cluster, from the cache.
func (c *cluster) cached(ctx context.Context, kind ownedKind, gw *v1beta1.IstioGateway, id string) ([]client.Object, error) {
	return c.findBy(ctx, c.client, kind, gw, client.MatchingLabels{render.LabelGateway: gw.Name, render.LabelCluster: id}, client.MatchingFields{indexGateway: gw.Name})
}

// find lists a gateway's objects of one kind in a cluster.
func (c *cluster) find(ctx context.Context, reader client.Reader, kind ownedKind, gw *v1beta1.IstioGateway, id string) ([]client.Object, error) {
	return c.findBy(ctx, reader, kind, gw, client.MatchingLabels{render.LabelGateway: gw.Name, render.LabelCluster: id})
}

// findBy lists objects of one kind in a gateway's namespace by their labels, and by what else a reader knows of them.
func (c *cluster) findBy(ctx context.Context, reader client.Reader, kind ownedKind, gw *v1beta1.IstioGateway, labels client.MatchingLabels, more ...client.ListOption) ([]client.Object, error) {
	gvk, err := apiutil.GVKForObject(kind.object, c.client.Scheme())
	if err != nil {
		return nil, fmt.Errorf("naming the kind of %T: %w", kind.object, err)
	}
	if err := reader.List(ctx, kind.list, append(more, client.InNamespace(gw.Namespace), labels)...); err != nil {
		return nil, fmt.Errorf("listing %ss of IstioGateway %s/%s: %w", gvk.Kind, gw.Namespace, gw.Name, err)
	}
	var found []client.Object
	err = meta.EachListItem(kind.list, func(item runtime.Object) error {
		object, ok := item.(client.Object)
		if !ok {
			return fmt.Errorf("listing %ss: an item must have metadata", gvk.Kind)
		}
		// Items of a typed list come without their kind.
		object.GetObjectKind().SetGroupVersionKind(gvk)
		found = append(found, object)
		return nil
	})
	return found, err
}

// delete deletes exactly the object that was read. One that is on its way out is left to it.
func (c *cluster) delete(ctx context.Context, object client.Object) error {
	if object.GetDeletionTimestamp() != nil {
		return nil
	}
	gvk := object.GetObjectKind().GroupVersionKind()
	err := c.client.Delete(ctx, object,
		client.Preconditions{UID: new(object.GetUID())},
		client.PropagationPolicy(metav1.DeletePropagationBackground))
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("deleting %s %s/%s: %w", gvk.Kind, object.GetNamespace(), object.GetName(), err)
	}
	noteChange(ctx)
	c.forget(objectKey{gvk, client.ObjectKeyFromObject(object)})
	return nil
}

// referenceTo names an object as a gateway's status does.
func referenceTo(object client.Object) v1beta1.ObjectReference {
	gvk := object.GetObjectKind().GroupVersionKind()
	return v1beta1.ObjectReference{APIVersion: gvk.GroupVersion().String(), Kind: gvk.Kind, Name: object.GetName()}
}
