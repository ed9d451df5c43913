package reconcile

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/gateway"
)

// ownPrefix begins the labels and annotations by which we know our objects, and say of them what they run.
const ownPrefix = "portcullis.dev/"

// dispose deletes an object that a gateway leaves behind, or makes it nobody's if the gateway's policy keeps it.
func (c *cluster) dispose(ctx context.Context, gw *v1beta1.IstioGateway, object client.Object) error {
	policy, _ := gateway.DeletionPolicyOf(gw)
	if policy.Retains(object.GetObjectKind().GroupVersionKind().Kind) && object.GetDeletionTimestamp() == nil {
		return c.release(ctx, object)
	}
	return c.delete(ctx, object)
}

// release takes our marks off an object, and our name off its fields; what it does it goes on doing.
func (c *cluster) release(ctx context.Context, object client.Object) error {
	gvk := object.GetObjectKind().GroupVersionKind()
	released, ok := object.DeepCopyObject().(client.Object)
	if !ok {
		return fmt.Errorf("releasing %s: it must have metadata", gvk.Kind)
	}
	labels := withoutOurs(object.GetLabels())
	if labels["app.kubernetes.io/managed-by"] == FieldOwner {
		delete(labels, "app.kubernetes.io/managed-by")
	}
	released.SetLabels(labels)
	released.SetAnnotations(withoutOurs(object.GetAnnotations()))
	fields := slices.DeleteFunc(slices.Clone(object.GetManagedFields()), func(fields metav1.ManagedFieldsEntry) bool {
		return fields.Manager == FieldOwner && fields.Operation == metav1.ManagedFieldsOperationApply
	})
	if len(fields) == 0 {
		// An empty list means that nobody says anything of them; this that they are nobody's:
		// https://kubernetes.io/docs/reference/using-api/server-side-apply/#clearing-managedfields
		fields = []metav1.ManagedFieldsEntry{{}}
	}
	released.SetManagedFields(fields)
	err := c.client.Patch(ctx, released, client.MergeFromWithOptions(object, client.MergeFromWithOptimisticLock{}))
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("releasing %s %s/%s: %w", gvk.Kind, object.GetNamespace(), object.GetName(), err)
	}
	c.forget(objectKey{gvk, client.ObjectKeyFromObject(object)})
	return nil
}

// withoutOurs are labels or annotations without those that are ours.
func withoutOurs(all map[string]string) map[string]string {
	out := maps.Clone(all)
	maps.DeleteFunc(out, func(key, _ string) bool { return strings.HasPrefix(key, ownPrefix) })
	return out
}
