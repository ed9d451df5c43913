package reconcile

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/gateway"
	"portcullis.dev/portcullis/pkg/render"
)

// foreign is the error of an object that has the name of one of ours and is somebody else's.
type foreign struct {
	key     objectKey
	object  client.Object
	gateway string
}

// Error says whose it is not, and what to do.
func (f *foreign) Error() string {
	return fmt.Sprintf("applying %s %s: it exists and is not this gateway's (label %s must be %q, is %q); rename the gateway or remove that object",
		f.key.Kind, f.key.ObjectKey, render.LabelGateway, f.gateway, f.object.GetLabels()[render.LabelGateway])
}

// fits says why a foreign object cannot be taken; nil when it can. What a Deployment selects can never change.
// What another gateway of ours has is never taken.
func (f *foreign) fits(desired *unstructured.Unstructured) error {
	if f.object.GetLabels()[render.LabelGateway] != "" {
		return f
	}
	deployment, ok := f.object.(*appsv1.Deployment)
	if !ok || deployment.Spec.Selector == nil {
		return nil
	}
	wanted, _, err := unstructured.NestedStringMap(desired.Object, "spec", "selector", "matchLabels")
	if err != nil {
		return fmt.Errorf("reading the selector of Deployment %s: %w", f.key.ObjectKey, err)
	}
	selector := deployment.Spec.Selector
	if len(selector.MatchExpressions) == 0 && reflect.DeepEqual(selector.MatchLabels, wanted) {
		return nil
	}
	return fmt.Errorf("taking Deployment %s: spec.selector cannot change, must be %s, is %s; delete it with its pods while others serve, or rename the gateway",
		f.key.ObjectKey, metav1.FormatLabelSelector(&metav1.LabelSelector{MatchLabels: wanted}), metav1.FormatLabelSelector(selector))
}

// told says of a foreign object what becomes of it: nothing, or what taking it would change.
func (c *cluster) told(ctx context.Context, theirs *foreign, object render.Object, adopt string) (string, error) {
	reference := v1beta1.ObjectReference{Kind: theirs.key.Kind, Name: theirs.key.Name}
	if adopt != gateway.AdoptDryRun {
		return inWordsOf(reference, "is somebody else's"), nil
	}
	desired, _, err := convert(object)
	if err != nil {
		return "", err
	}
	if err := theirs.fits(desired); err != nil {
		return inWordsOf(reference, err.Error()), nil
	}
	_, changes, err := c.foresee(ctx, object)
	if err != nil {
		return "", err
	}
	if theirs.key.Kind == "Deployment" && strings.Contains(changes, "spec.template.") {
		changes += " (its pods would restart)"
	}
	return changes, nil
}

// conflicts says of each foreign object among some failures what becomes of it.
func (c *cluster) conflicts(ctx context.Context, failed map[render.Object]error, objects []render.Object, adopt string) ([]string, error) {
	var out []string
	for _, object := range objects {
		var theirs *foreign
		if !errors.As(failed[object], &theirs) {
			continue
		}
		said, err := c.told(ctx, theirs, object, adopt)
		if err != nil {
			return out, err
		}
		out = append(out, said)
	}
	return out, nil
}

// inTheWay says whether objects that are somebody else's stand in the way.
func inTheWay(gw *v1beta1.IstioGateway) metav1.Condition {
	var where []string
	for _, entry := range gw.Status.Clusters {
		if len(entry.Foreign) > 0 {
			where = append(where, fmt.Sprintf("Cluster %s: %s", entry.ClusterID, strings.Join(entry.Foreign, "; ")))
		}
	}
	if len(where) == 0 {
		return condition(v1beta1.ConditionConflict, metav1.ConditionFalse, reasonNoConflict, "No object of somebody else has the name of one of the gateway's")
	}
	said := strings.Join(where, "; ")
	if gw.Annotations[gateway.AnnotationAdopt] == gateway.AdoptDryRun {
		return condition(v1beta1.ConditionConflict, metav1.ConditionTrue, reasonAdoptDryRun, shortened(fmt.Sprintf(
			"Taking what is somebody else's would change: %s. To take it: annotation %s: %s", said, gateway.AnnotationAdopt, gateway.AdoptTake), longestCondition))
	}
	return condition(v1beta1.ConditionConflict, metav1.ConditionTrue, reasonForeign, shortened(fmt.Sprintf(
		"%s. To see what taking them would change: annotation %s: %s", said, gateway.AnnotationAdopt, gateway.AdoptDryRun), longestCondition))
}
