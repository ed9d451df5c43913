package reconcile

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"portcullis.dev/portcullis/pkg/render"
)

// firstVersion goes with what must not be there yet: an API server takes any version with an object that it makes, and
// refuses to write to one that is there and has another. No object ever has this one, as etcd counts it itself.
const firstVersion = "1"

// create makes an object of which nothing is known, and says whether it did; desired is then what came of it. The cache
// holds our own objects alone, so somebody else's may have the name; the API server tells, without being asked beforehand.
func (c *cluster) create(ctx context.Context, key objectKey, desired *unstructured.Unstructured) (bool, error) {
	absent, err := c.unheardOf(ctx, key)
	if err != nil || !absent {
		return false, err
	}
	made := desired.DeepCopy()
	if err := stateFirstPods(made); err != nil {
		return false, err
	}
	made.SetResourceVersion(firstVersion)
	err = c.client.Apply(ctx, client.ApplyConfigurationFromUnstructured(made), client.FieldOwner(FieldOwner), client.ForceOwnership)
	if err == nil {
		desired.Object = made.Object
		return true, nil
	}
	if !isRace(err) {
		return false, whileApplying(key, err)
	}
	return false, c.mistaken(ctx, key, desired, err)
}

// mistaken is the error of having planned a Deployment beside none when one of ours is there: its pods might restart, which
// nobody judged. It is known of then, and read by the next pass. Anything else can be applied all the same.
func (c *cluster) mistaken(ctx context.Context, key objectKey, desired *unstructured.Unstructured, conflict error) error {
	if key.GroupKind() != deploymentKind.GroupKind() {
		return nil
	}
	present, err := c.present(ctx, key, desired.GetLabels()[render.LabelGateway])
	if err != nil || present == nil {
		return nil //nolint:nilerr // whoever applies asks again, and knows what to do about what is somebody else's
	}
	c.remember(key, written{})
	return whileApplying(key, conflict)
}

// unheardOf says whether an object of a kind that is watched is neither in the cache nor written by us.
func (c *cluster) unheardOf(ctx context.Context, key objectKey) (bool, error) {
	if _, known := c.last(key); known || !watched(key.GroupVersionKind) {
		return false, nil
	}
	object, err := c.empty(key)
	if err != nil {
		return false, err
	}
	err = c.client.Get(ctx, key.ObjectKey, object)
	if apierrors.IsNotFound(err) {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("reading %s %s: %w", key.Kind, key.ObjectKey, err)
	}
	return false, nil
}
