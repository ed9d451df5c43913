package ruleset

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	applycoordinationv1 "k8s.io/client-go/applyconfigurations/coordination/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const (
	// leaseDuration is how long a replica counts that has not been heard of: as long as it may still decide.
	leaseDuration = 30 * time.Second
	// renewEvery leaves two attempts before that.
	renewEvery = 10 * time.Second
	// leaseLabel marks the Leases of replicas.
	leaseLabel = "portcullis.dev/webhook-replica"
)

// leases are the Leases of replicas, as this one sees them.
type leases struct {
	mutex sync.Mutex
	// renewed is when this replica last renewed its own.
	renewed time.Time
	// seen is what was last seen of each, by the replica's name.
	seen map[string]sighting
}

// sighting is a Lease's own word of when it was renewed, and when we first read that. Clocks of machines differ, so
// that only a change of the former is worth something.
type sighting struct {
	renewTime metav1.MicroTime
	at        time.Time
}

// leaseName is the name of a replica's Lease.
func leaseName(replica string) string {
	return "portcullis-webhook-" + replica
}

// Announce writes this replica's Lease. It has to be there before the first policy is read: whoever stores a policy
// after that, and waits for it, then waits for this replica too.
func (r *Ruleset) Announce(ctx context.Context) error {
	now := r.Now()
	lease := applycoordinationv1.Lease(leaseName(r.Replica), r.Namespace).
		WithLabels(map[string]string{leaseLabel: "true"}).
		WithSpec(applycoordinationv1.LeaseSpec().
			WithHolderIdentity(r.Replica).
			WithLeaseDurationSeconds(int32(leaseDuration / time.Second)).
			WithRenewTime(metav1.NewMicroTime(now)))
	if err := r.Client.Apply(ctx, lease, client.FieldOwner("portcullis-webhook"), client.ForceOwnership); err != nil {
		return fmt.Errorf("writing Lease %s/%s: %w", r.Namespace, leaseName(r.Replica), err)
	}
	r.leases.mutex.Lock()
	defer r.leases.mutex.Unlock()
	r.leases.renewed = now
	return nil
}

// withdraw takes this replica's Lease back, so that nobody waits for a replica that ended.
func (r *Ruleset) withdraw(ctx context.Context) error {
	lease := &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Namespace: r.Namespace, Name: leaseName(r.Replica)}}
	return client.IgnoreNotFound(r.Client.Delete(ctx, lease))
}

// replicas are the names of the replicas that are there, sorted; this one is among them.
func (r *Ruleset) replicas(ctx context.Context) ([]string, error) {
	list := &coordinationv1.LeaseList{}
	if err := r.Reader.List(ctx, list, client.InNamespace(r.Namespace), client.MatchingLabels{leaseLabel: "true"}); err != nil {
		return nil, fmt.Errorf("listing the Leases of replicas: %w", err)
	}
	names := append(r.leases.alive(list.Items, r.Now()), r.Replica)
	slices.Sort(names)
	return slices.Compact(names), nil
}

// alive are the holders of Leases that were renewed lately.
func (l *leases) alive(list []coordinationv1.Lease, now time.Time) []string {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	seen := map[string]sighting{}
	var names []string
	for _, lease := range list {
		if lease.Spec.HolderIdentity == nil || lease.Spec.RenewTime == nil {
			continue
		}
		name := *lease.Spec.HolderIdentity
		last, known := l.seen[name]
		if !known || !last.renewTime.Equal(lease.Spec.RenewTime) {
			last = sighting{renewTime: *lease.Spec.RenewTime, at: now}
		}
		seen[name] = last
		if now.Sub(last.at) < leaseDuration {
			names = append(names, name)
		}
	}
	l.seen = seen
	return names
}

// check refuses a replica whose Lease the others no longer take for one.
func (l *leases) check(now time.Time) error {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if now.Sub(l.renewed) >= leaseDuration {
		return errors.New("the Lease of this replica must be renewed, is not")
	}
	return nil
}
