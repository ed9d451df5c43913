package reconcile

import (
	"context"
	"fmt"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"portcullis.dev/portcullis/pkg/api/v1alpha1"
)

// history keeps ChangeApprovals that are done with, and deletes them when they are old.
type history struct {
	client client.Client
	// retention is how long one is kept after it was used or expired.
	retention time.Duration
	now       func() time.Time
	// counts and events tell what expires unused.
	counts *counts
	events events
}

// Reconcile deletes an approval that is old enough, and comes back to one that is not.
func (h *history) Reconcile(ctx context.Context, approval *v1alpha1.ChangeApproval) (reconcile.Result, error) {
	expiring, expired := h.counts.looked(approval, h.now())
	if expired {
		h.events.expired(approval)
	}
	if left := ended(approval).Add(h.retention).Sub(h.now()); left > 0 {
		return reconcile.Result{RequeueAfter: shorter(expiring, left)}, nil
	}
	// Exactly the one that was judged: another of its name is another approval.
	err := h.client.Delete(ctx, approval, client.Preconditions{UID: new(approval.UID), ResourceVersion: new(approval.ResourceVersion)})
	if err != nil {
		return reconcile.Result{}, quiet(fmt.Errorf("deleting ChangeApproval %s/%s: %w", approval.Namespace, approval.Name, err))
	}
	return reconcile.Result{}, nil
}

// ended is when an approval was done with: used, or expired.
func ended(approval *v1alpha1.ChangeApproval) time.Time {
	if approval.Status.UsedBy != nil {
		return approval.Status.UsedBy.At.Time
	}
	_, until := window(approval)
	return until
}
