package audit

import (
	"context"
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
)

// FieldOwner owns what the audit writes: one condition and the counts of each gateway, and reports.
const FieldOwner = "portcullis-audit"

// write writes the condition and the counts into a gateway's status, if they say something new. All else there is somebody
// else's: it applies these fields alone, whatever version of the gateway is stored by now, and whoever writes the rest
// reads them there and leaves them.
func (w *worker) write(ctx context.Context, gw *v1beta1.IstioGateway, next verdict) (changed bool, err error) {
	conditions := slices.Clone(gw.Status.Conditions)
	news := meta.SetStatusCondition(&conditions, next.condition)
	counts := gw.Status.Audit
	if next.counts != nil && (counts == nil || *counts != *next.counts) {
		counts, news = next.counts, true
	}
	if !news {
		return false, nil
	}
	return true, w.apply(ctx, gw, meta.FindStatusCondition(conditions, next.condition.Type), counts)
}

// apply applies our part of a gateway's status; without a condition and counts it takes it away.
func (w *worker) apply(ctx context.Context, gw *v1beta1.IstioGateway, condition *metav1.Condition, counts *v1beta1.AuditStatus) error {
	status := map[string]any{}
	if condition != nil {
		written, err := runtime.DefaultUnstructuredConverter.ToUnstructured(condition)
		if err != nil {
			return fmt.Errorf("writing the condition as JSON: %w", err)
		}
		status["conditions"] = []any{written}
	}
	if counts != nil {
		status["audit"] = map[string]any{
			"denials": int64(counts.Denials), "warnings": int64(counts.Warnings), "audits": int64(counts.Audits),
		}
	}
	object := &unstructured.Unstructured{Object: map[string]any{"status": status}}
	object.SetGroupVersionKind(v1beta1.GroupVersion.WithKind("IstioGateway"))
	object.SetNamespace(gw.Namespace)
	object.SetName(gw.Name)
	// Of this gateway, and not of a later one of its name.
	object.SetUID(gw.UID)
	err := w.client.Status().Apply(ctx, client.ApplyConfigurationFromUnstructured(object), client.FieldOwner(FieldOwner), client.ForceOwnership)
	if apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
		return nil // It is gone; what came after it is audited by itself.
	}
	if err != nil {
		return fmt.Errorf("writing the status of IstioGateway %s/%s: %w", gw.Namespace, gw.Name, err)
	}
	return nil
}
