package reconcile

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/api/v1alpha1"
	"portcullis.dev/portcullis/pkg/change"
	"portcullis.dev/portcullis/pkg/gateway"
)

// defaultWindow is how long an approval counts that says no end.
const defaultWindow = 24 * time.Hour

// askAgain is how soon the guard is asked again about what it refused: a freeze ends without an event.
const askAgain = 30 * time.Second

// approvals looks for what releases a restart, and records what was used. Whether approvals release it, the guard decides:
// by the same rules by which it lets edits in.
type approvals struct {
	client client.Client
	// live reads from the API server: an approval that a cache takes for unused may be used.
	live client.Reader
	// ask asks the guard.
	ask askFunc
	now func() time.Time
	// counts and events tell what is used.
	counts *counts
	events events
}

// release notes in what is pending the approvals that release it, or why those that there are do not. It says how long to
// wait before another try; zero when nothing but an event can change the answer. stored is the gateway as it is stored:
// only what it tells as pending can be approved.
func (a approvals) release(ctx context.Context, stored, gw *v1beta1.IstioGateway) (time.Duration, error) {
	pending := gw.Status.Pending
	if pending == nil || pending.ReleasedBy != "" {
		return 0, nil
	}
	count, wait, err := a.count(ctx, gw)
	if err != nil || !count || stored.Status.Pending == nil || stored.Status.Pending.Digest != pending.Digest {
		return wait, err
	}
	names, refusal, err := a.ask(ctx, stored)
	if err != nil {
		return 0, err
	}
	pending.ReleasedBy, pending.Refusal = strings.Join(names, ","), shortened(refusal, longestMessage)
	if pending.ReleasedBy != "" {
		return 0, nil
	}
	return shorter(wait, askAgain), nil
}

// count says whether there are approvals of what is pending that hold now, and how long it takes until another one does;
// zero when there is none.
func (a approvals) count(ctx context.Context, gw *v1beta1.IstioGateway) (count bool, wait time.Duration, err error) {
	approvals, err := a.of(ctx, gw, gw.Status.Pending.Digest)
	if err != nil {
		return false, 0, err
	}
	for i := range approvals {
		from, until := window(&approvals[i])
		if !a.now().Before(until) {
			continue
		}
		if early := from.Sub(a.now()); early > 0 {
			wait = shorter(wait, early)
			continue
		}
		count = true
	}
	return count, wait, nil
}

// of lists the approvals that are for exactly this of a gateway, and unused, whenever they count.
func (a approvals) of(ctx context.Context, gw *v1beta1.IstioGateway, digest string) ([]v1alpha1.ChangeApproval, error) {
	list := &v1alpha1.ChangeApprovalList{}
	if err := a.client.List(ctx, list, client.InNamespace(gw.Namespace)); err != nil {
		return nil, fmt.Errorf("listing ChangeApprovals of IstioGateway %s/%s: %w", gw.Namespace, gw.Name, err)
	}
	return slices.DeleteFunc(list.Items, func(approval v1alpha1.ChangeApproval) bool { return !approves(&approval, gw, digest) }), nil
}

// approves says whether an approval is for exactly this of a gateway, and unused. The digest is bound to the gateway's
// UID. One without an approver never passed the guard.
func approves(approval *v1alpha1.ChangeApproval, gw *v1beta1.IstioGateway, digest string) bool {
	return approval.Spec.GatewayName == gw.Name &&
		approval.Spec.Digest == digest &&
		approval.Spec.ApprovedBy != nil && approval.Spec.ApprovedBy.Username != "" &&
		approval.Status.UsedBy == nil &&
		approval.DeletionTimestamp == nil
}

// window is when an approval counts: from the first instant until before the second.
func window(approval *v1alpha1.ChangeApproval) (from, until time.Time) {
	from, until = approval.CreationTimestamp.Time, approval.CreationTimestamp.Add(defaultWindow)
	if approval.Spec.NotBefore != nil {
		from = approval.Spec.NotBefore.Time
	}
	if approval.Spec.NotAfter != nil {
		until = approval.Spec.NotAfter.Time
	}
	return from, until
}

// record records the use of approvals: of the one that released a restart, of those that let the gateway be deleted, and
// of those that let a change in, once that change has been brought everywhere it can be.
func (a approvals) record(ctx context.Context, gw *v1beta1.IstioGateway) error {
	names, err := a.ofDeletion(ctx, gw)
	if err != nil {
		return err
	}
	if pending := gw.Status.Pending; pending != nil && pending.ReleasedBy != "" {
		names = append(names, gateway.List(pending.ReleasedBy)...)
	}
	done, err := acted(gw)
	if err != nil {
		return err
	}
	if done {
		names = append(names, gateway.List(gw.Annotations[gateway.AnnotationApprovedBy])...)
	}
	for _, name := range names {
		if err := a.recordOne(ctx, gw, name); err != nil {
			return fmt.Errorf("recording the use of ChangeApproval %s/%s: %w", gw.Namespace, name, err)
		}
	}
	return nil
}

// ofDeletion are the approvals that let a gateway be deleted; none while it is not. The guard cannot write their names on
// what is deleted, so they are found as the guard found them.
func (a approvals) ofDeletion(ctx context.Context, gw *v1beta1.IstioGateway) ([]string, error) {
	if gw.DeletionTimestamp == nil {
		return nil, nil
	}
	registered, err := listClusters(ctx, a.client)
	if err != nil {
		return nil, err
	}
	deletion, err := change.Between(gw, nil, registered)
	if err != nil {
		return nil, fmt.Errorf("finding what let IstioGateway %s/%s be deleted: %w", gw.Namespace, gw.Name, err)
	}
	approvals, err := a.of(ctx, gw, deletion.Digest)
	if err != nil {
		return nil, err
	}
	var names []string
	for i := range approvals {
		from, until := window(&approvals[i])
		if at := gw.DeletionTimestamp.Time; !at.Before(from) && at.Before(until) {
			names = append(names, approvals[i].Name)
		}
	}
	return names, nil
}

// recordOne records the use of one approval, once. One that is gone has nothing to be recorded on. Only what a cache takes
// for unused is asked of the API server: recorded a moment ago, it would be recorded again, and conflict.
func (a approvals) recordOne(ctx context.Context, gw *v1beta1.IstioGateway, name string) error {
	var approval *v1alpha1.ChangeApproval
	for _, reader := range []client.Reader{a.client, a.live} {
		approval = &v1alpha1.ChangeApproval{}
		if err := reader.Get(ctx, client.ObjectKey{Namespace: gw.Namespace, Name: name}, approval); err != nil {
			return client.IgnoreNotFound(err)
		}
		if approval.Status.UsedBy != nil || approval.Spec.GatewayName != gw.Name {
			return nil
		}
	}
	before := approval.DeepCopy()
	approval.Status.UsedBy = &v1alpha1.ApprovalUse{UID: string(gw.UID), Generation: gw.Generation, At: metav1.NewTime(a.now())}
	if err := a.client.Status().Patch(ctx, approval, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})); err != nil {
		return client.IgnoreNotFound(err)
	}
	a.counts.usedOne()
	a.events.used(approval, gw)
	return nil
}

// acted says whether a gateway as it is has been brought everywhere it can be. A cluster where something stands in the
// way has no say: it may for ever.
func acted(gw *v1beta1.IstioGateway) (bool, error) {
	fingerprint, err := change.Fingerprint(gw)
	if err != nil {
		return false, err
	}
	for _, entry := range gw.Status.Clusters {
		if entry.State != v1beta1.ClusterFailed && (entry.ObservedGeneration != gw.Generation || entry.Fingerprint != fingerprint) {
			return false, nil
		}
	}
	return gw.Status.ObservedGeneration == gw.Generation, nil
}

// shorter is the shorter of two waits, of which zero is none.
func shorter(a, b time.Duration) time.Duration {
	if a == 0 {
		return b
	}
	return min(a, b)
}
