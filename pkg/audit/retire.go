package audit

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
)

// retired takes away what was written of audits, where there are none any more: what nobody brings up to date would soon
// be a lie.
type retired struct {
	*worker
}

// Reconcile takes away what was written of one gateway, if anything was.
func (r retired) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	gw := &v1beta1.IstioGateway{}
	if err := r.client.Get(ctx, request.NamespacedName, gw); err != nil {
		return reconcile.Result{}, client.IgnoreNotFound(err)
	}
	if meta.FindStatusCondition(gw.Status.Conditions, v1beta1.ConditionCompliant) == nil && gw.Status.Audit == nil {
		return reconcile.Result{}, nil
	}
	if err := r.pace.Wait(ctx); err != nil {
		return reconcile.Result{}, nil //nolint:nilerr // we are ending, and nobody waits for this
	}
	// The report first: once the status is bare nobody would look for it.
	if err := r.reports.remove(ctx, gw); err != nil {
		return reconcile.Result{}, err
	}
	return reconcile.Result{}, r.apply(ctx, gw, nil, nil)
}

// remove deletes the report of a gateway, if there is one of ours.
func (r *reports) remove(ctx context.Context, gw *v1beta1.IstioGateway) error {
	served, err := r.areServed(ctx)
	if err != nil || !served {
		return err
	}
	report := &unstructured.Unstructured{}
	report.SetGroupVersionKind(reportKind())
	err = r.client.Get(ctx, client.ObjectKey{Namespace: gw.Namespace, Name: reportName(gw.Name)}, report)
	if err == nil && report.GetLabels()[labelManagedBy] == reporter {
		err = r.client.Delete(ctx, report)
	}
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("deleting Report %s/%s: %w", gw.Namespace, reportName(gw.Name), err)
	}
	return nil
}
