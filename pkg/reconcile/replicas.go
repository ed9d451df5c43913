package reconcile

import (
	"context"
	"fmt"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
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
	if !ok || deployment.Spec.Replicas == nil || !ownsReplicas(deployment) || isLeft(deployment) {
		return nil
	}
	if _, stated, _ := unstructured.NestedFieldNoCopy(desired.Object, "spec", "replicas"); stated {
		return nil
	}
	left, err := c.leave(ctx, desired, deployment.ResourceVersion, *deployment.Spec.Replicas)
	if err != nil {
		return err
	}
	if desired.GetResourceVersion() == deployment.ResourceVersion {
		desired.SetResourceVersion(left.GetResourceVersion())
	}
	return nil
}

// stateFirstPods states in what shall be made its first pods, where it is a Deployment whose pods somebody else counts later:
// the API server would make it with one, and an autoscaler looks at it only after a while. Until somebody counts, they
// are ours on record.
func stateFirstPods(made *unstructured.Unstructured) error {
	if made.GetKind() != deploymentKind.Kind {
		return nil
	}
	first, err := firstPods(made)
	if err != nil || first == nil {
		return err
	}
	return stateReplicas(made, *first)
}

// asMade is what we state of a Deployment as long as its first pods are ours on record: what it was made with.
func asMade(desired *unstructured.Unstructured, present *appsv1.Deployment) (*unstructured.Unstructured, error) {
	said, err := countingIn(present.Annotations)
	if err != nil || said.AtFirst == nil || *said.AtFirst != desiredReplicas(present) || !ownsReplicas(present) {
		return desired, err
	}
	out := desired.DeepCopy()
	return out, stateReplicas(out, *said.AtFirst)
}

// stateReplicas states a number of pods.
func stateReplicas(deployment *unstructured.Unstructured, replicas int32) error {
	return unstructured.SetNestedField(deployment.Object, int64(replicas), "spec", "replicas")
}

// startWith gives a Deployment that was there its first pods, where somebody else is to count them from now on and nobody
// has.
func (c *cluster) startWith(ctx context.Context, made *unstructured.Unstructured) error {
	if made.GetKind() != deploymentKind.Kind {
		return nil
	}
	first, err := firstPods(made)
	if err != nil || first == nil {
		return err
	}
	left, err := c.leave(ctx, made, made.GetResourceVersion(), *first)
	if err != nil {
		return err
	}
	// Another number of pods is another generation, and nobody else's.
	made.SetResourceVersion(left.GetResourceVersion())
	made.SetGeneration(left.GetGeneration())
	return nil
}

// firstPods is how many pods a Deployment is to get where somebody else counts them and nobody has; nil when it needs none.
func firstPods(deployment client.Object) (*int32, error) {
	said, err := countingIn(deployment.GetAnnotations())
	if err != nil || said.AtFirst == nil || *said.AtFirst == 1 || isCounted(deployment) {
		return nil, err
	}
	return said.AtFirst, nil
}

// leave states a number of replicas for others to write over, and returns the Deployment that comes of it.
func (c *cluster) leave(ctx context.Context, deployment client.Object, version string, replicas int32) (*unstructured.Unstructured, error) {
	held := &unstructured.Unstructured{}
	held.SetGroupVersionKind(appsv1.SchemeGroupVersion.WithKind("Deployment"))
	held.SetNamespace(deployment.GetNamespace())
	held.SetName(deployment.GetName())
	held.SetResourceVersion(version)
	held.Object["spec"] = map[string]any{"replicas": int64(replicas)}
	if err := c.client.Apply(ctx, client.ApplyConfigurationFromUnstructured(held), client.FieldOwner(handOverOwner)); err != nil {
		return nil, fmt.Errorf("handing over the replicas of Deployment %s/%s: %w", deployment.GetNamespace(), deployment.GetName(), err)
	}
	return held, nil
}

// isCounted says whether anybody is on record as the owner of a Deployment's replicas.
func isCounted(deployment client.Object) bool {
	return slices.ContainsFunc(deployment.GetManagedFields(), ofReplicas)
}

// isLeft says whether a Deployment's replicas are held for others already: by one who was killed before he stopped stating
// them, for example.
func isLeft(deployment client.Object) bool {
	return slices.ContainsFunc(deployment.GetManagedFields(), func(fields metav1.ManagedFieldsEntry) bool {
		return fields.Manager == handOverOwner && ofReplicas(fields)
	})
}

// ofReplicas says whether some fields on record hold a Deployment's replicas.
func ofReplicas(fields metav1.ManagedFieldsEntry) bool {
	return fields.Subresource != "status" && fields.FieldsV1 != nil && strings.Contains(fields.FieldsV1.GetRawString(), `"f:replicas"`)
}

// ownsReplicas says whether we are on record as the owner of a Deployment's replicas.
func ownsReplicas(deployment *appsv1.Deployment) bool {
	return strings.Contains(ownedFields(deployment), `"f:replicas"`)
}
