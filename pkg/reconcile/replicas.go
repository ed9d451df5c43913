package reconcile

import (
	"context"
	"fmt"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// handOverOwner holds a Deployment's replicas between us and an autoscaler.
const handOverOwner = FieldOwner + "-replicas-handover"

// handOver keeps a Deployment's pods when an autoscaler takes over. A field that its only owner stops
// stating is removed, and the API server then defaults replicas to 1; so somebody else states the live
// number first, and the autoscaler writes over that.
// https://kubernetes.io/docs/reference/using-api/server-side-apply/#transferring-ownership
func (c *cluster) handOver(ctx context.Context, desired *unstructured.Unstructured, present client.Object) error {
	deployment, ok := present.(*appsv1.Deployment)
	if !ok || deployment.Spec.Replicas == nil || !ownsReplicas(deployment) {
		return nil
	}
	if _, stated, _ := unstructured.NestedFieldNoCopy(desired.Object, "spec", "replicas"); stated {
		return nil
	}
	held := &unstructured.Unstructured{}
	held.SetGroupVersionKind(desired.GroupVersionKind())
	held.SetNamespace(deployment.Namespace)
	held.SetName(deployment.Name)
	held.SetResourceVersion(deployment.ResourceVersion)
	held.Object["spec"] = map[string]any{"replicas": int64(*deployment.Spec.Replicas)}
	if err := c.client.Apply(ctx, client.ApplyConfigurationFromUnstructured(held), client.FieldOwner(handOverOwner)); err != nil {
		return fmt.Errorf("handing over the replicas of Deployment %s/%s: %w", deployment.Namespace, deployment.Name, err)
	}
	if desired.GetResourceVersion() == deployment.ResourceVersion {
		desired.SetResourceVersion(held.GetResourceVersion())
	}
	return nil
}

// ownsReplicas says whether we are on record as the owner of a Deployment's replicas.
func ownsReplicas(deployment *appsv1.Deployment) bool {
	return strings.Contains(ownedFields(deployment), `"f:replicas"`)
}
