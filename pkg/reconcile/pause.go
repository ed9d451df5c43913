package reconcile

import (
	"context"
	"errors"
	"fmt"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/api/v1alpha1"
	"portcullis.dev/portcullis/pkg/change"
	"portcullis.dev/portcullis/pkg/render"
)

// pause writes nothing of a gateway in a cluster, and says what would be written if it were not paused there.
func (p *placements) pause(ctx context.Context, to *cluster, gw *v1beta1.IstioGateway, entry v1beta1.ClusterStatus, in *v1alpha1.GatewayCluster) (outcome, error) {
	plan, err := to.plan(ctx, gw, in)
	if err != nil {
		return outcome{entry: entry}, err
	}
	entry.Held = plan.held
	var keep []v1beta1.ObjectReference
	for _, object := range plan.objects.List() {
		reference, waiting, err := to.foresee(ctx, object)
		var lack *lacking
		if errors.As(err, &lack) {
			entry.Lacking, keep = append(entry.Lacking, worded(err)), append(keep, lack.reference())
			continue
		}
		if err != nil {
			return outcome{entry: entry}, err
		}
		keep = append(keep, reference)
		if waiting != "" {
			entry.Waiting = append(entry.Waiting, waiting)
		}
	}
	surplus, err := to.surplus(ctx, gw, entry.ClusterID, keep)
	if err != nil {
		return outcome{entry: entry}, err
	}
	for _, object := range surplus {
		entry.Waiting = append(entry.Waiting, inWordsOf(object, "is to be deleted"))
	}
	if len(entry.Waiting) == 0 && entry.Held == nil {
		entry.ObservedGeneration, entry.Fingerprint = gw.Generation, plan.fingerprint
	}
	if len(entry.Objects) == 0 {
		return outcome{entry: entry}, nil
	}
	entry, err = to.observe(ctx, entry, plan.placed)
	return outcome{entry: entry}, err
}

// foresee says what applying an object would do, in words; nothing when it would do nothing. It asks the API server by a
// dry run, and writes nothing.
func (c *cluster) foresee(ctx context.Context, object render.Object) (v1beta1.ObjectReference, string, error) {
	desired, _, err := convert(object)
	if err != nil {
		return v1beta1.ObjectReference{}, "", err
	}
	key := objectKey{desired.GroupVersionKind(), client.ObjectKeyFromObject(desired)}
	reference := referenceTo(desired)
	live := &unstructured.Unstructured{}
	live.SetGroupVersionKind(key.GroupVersionKind)
	err = c.live.Get(ctx, key.ObjectKey, live)
	if isLacking(err) {
		return reference, "", whileApplying(key, err)
	}
	if apierrors.IsNotFound(err) {
		return reference, inWordsOf(reference, "is to be made"), nil
	}
	if err != nil {
		return reference, "", fmt.Errorf("reading %s %s: %w", key.Kind, key.ObjectKey, err)
	}
	if recognised(live, desired) {
		return reference, "", nil
	}
	fields, err := c.foreseen(ctx, desired, live)
	if err != nil || len(fields) == 0 {
		return reference, "", err
	}
	var paths []string
	for _, field := range fields {
		paths = append(paths, field.Path)
	}
	return reference, inWordsOf(reference, strings.Join(paths, ", ")), nil
}

// foreseen are the fields of an object that applying it would change. Replicas that nobody states stay as they are: they
// are handed over.
func (c *cluster) foreseen(ctx context.Context, desired, live *unstructured.Unstructured) ([]change.Field, error) {
	if count, found, _ := unstructured.NestedFieldNoCopy(live.Object, "spec", "replicas"); found && desired.GetKind() == "Deployment" {
		if _, stated, _ := unstructured.NestedFieldNoCopy(desired.Object, "spec", "replicas"); !stated {
			if err := unstructured.SetNestedField(desired.Object, count, "spec", "replicas"); err != nil {
				return nil, fmt.Errorf("stating the replicas of %s: %w", desired.GetName(), err)
			}
		}
	}
	ports, err := foreseePorts(desired, live)
	if err != nil {
		return nil, err
	}
	err = c.client.Apply(ctx, client.ApplyConfigurationFromUnstructured(desired), client.FieldOwner(FieldOwner), client.ForceOwnership, client.DryRunAll)
	if err != nil {
		return nil, fmt.Errorf("foreseeing %s %s/%s: %w", desired.GetKind(), desired.GetNamespace(), desired.GetName(), err)
	}
	return append(change.Differing(live.Object, desired.Object), ports...), nil
}

// inWordsOf says something of one object.
func inWordsOf(object v1beta1.ObjectReference, what string) string {
	return fmt.Sprintf("%s %s: %s", object.Kind, object.Name, what)
}

// paused says whether somebody asked that nothing be written, and what waits for the end of that.
func paused(gw *v1beta1.IstioGateway) metav1.Condition {
	var where []string
	for _, entry := range gw.Status.Clusters {
		if !entry.Paused {
			continue
		}
		waits := "nothing waits"
		if len(entry.Waiting) > 0 {
			waits = strings.Join(entry.Waiting, "; ")
		}
		where = append(where, fmt.Sprintf("Cluster %s: %s", entry.ClusterID, waits))
	}
	if len(where) == 0 {
		return condition(v1beta1.ConditionPaused, metav1.ConditionFalse, reasonNotPaused, "Nobody paused the gateway")
	}
	return condition(v1beta1.ConditionPaused, metav1.ConditionTrue, reasonPaused,
		shortened("Nothing is written. What waits: "+strings.Join(where, "; "), longestCondition))
}
