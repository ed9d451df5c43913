package ruleset

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"portcullis.dev/portcullis/pkg/api/v1alpha1"
	"portcullis.dev/portcullis/pkg/policy"
)

// report writes what this replica runs into the status of each policy, and what that makes of its condition. A write
// that meets another replica's is refused by the API server, and has to come again.
func (r *Ruleset) report(ctx context.Context, policies []v1alpha1.GatewayPolicy, current state) (again bool, err error) {
	replicas, err := r.replicas(ctx)
	if err != nil {
		return false, err
	}
	var errs []error
	for i := range policies {
		stored := &policies[i]
		reported := stored.DeepCopy()
		reported.Status.Replicas = entries(stored.Status.Replicas, r.entry(stored, current), replicas)
		meta.SetStatusCondition(&reported.Status.Conditions, active(stored.Generation, reported.Status.Replicas, replicas))
		if equality.Semantic.DeepEqual(stored.Status, reported.Status) {
			continue
		}
		err := r.Client.Status().Patch(ctx, reported, client.MergeFromWithOptions(stored, client.MergeFromWithOptimisticLock{}))
		switch {
		case apierrors.IsConflict(err):
			again = true
		case client.IgnoreNotFound(err) != nil:
			errs = append(errs, fmt.Errorf("writing the status of GatewayPolicy %s: %w", stored.Name, err))
		}
	}
	return again, errors.Join(errs...)
}

// entry is what this replica has to say of a policy.
func (r *Ruleset) entry(of *v1alpha1.GatewayPolicy, current state) v1alpha1.PolicyReplica {
	out := v1alpha1.PolicyReplica{Name: r.Replica, ObservedGeneration: current.running[of.UID]}
	if engine := r.Live.Engine(); engine != nil {
		out.Revision = engine.Revision()
	}
	if out.ObservedGeneration != of.Generation && current.fault != nil {
		out.Message = blamed(of.Name, current.fault)
	}
	return out
}

// blamed says of a policy why it does not run: what it is to blame for, or whom it waits for.
func blamed(name string, fault error) string {
	var of *policy.FaultError
	if !errors.As(fault, &of) {
		return fault.Error()
	}
	if err := of.Policies[name]; err != nil {
		return err.Error()
	}
	return "waits for GatewayPolicies that cannot be used: " + strings.Join(slices.Sorted(maps.Keys(of.Policies)), ", ")
}

// entries are the entries of all replicas that are there, this one's as it is now, in the order of their names.
func entries(stored []v1alpha1.PolicyReplica, own v1alpha1.PolicyReplica, replicas []string) []v1alpha1.PolicyReplica {
	out := []v1alpha1.PolicyReplica{own}
	for _, entry := range stored {
		if entry.Name != own.Name && slices.Contains(replicas, entry.Name) {
			out = append(out, entry)
		}
	}
	slices.SortFunc(out, func(a, b v1alpha1.PolicyReplica) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

// active is the condition that follows from the entries of replicas.
func active(generation int64, entries []v1alpha1.PolicyReplica, replicas []string) metav1.Condition {
	out := metav1.Condition{Type: v1alpha1.ConditionActive, Status: metav1.ConditionFalse, ObservedGeneration: generation}
	var behind, refused []string
	for _, name := range replicas {
		i := slices.IndexFunc(entries, func(entry v1alpha1.PolicyReplica) bool { return entry.Name == name })
		switch {
		case i < 0:
			behind = append(behind, name)
		case entries[i].ObservedGeneration == generation:
		case entries[i].Message != "":
			refused = append(refused, entries[i].Message)
		default:
			behind = append(behind, name)
		}
	}
	switch {
	case len(refused) > 0:
		// All replicas compile the same: what one says, the others say too.
		slices.Sort(refused)
		out.Reason, out.Message = v1alpha1.ReasonRefused, strings.Join(slices.Compact(refused), "\n")
	case len(behind) > 0:
		out.Reason, out.Message = v1alpha1.ReasonRollingOut, fmt.Sprintf("Waits for %s to run generation %d", strings.Join(behind, ", "), generation)
	default:
		out.Status, out.Reason = metav1.ConditionTrue, v1alpha1.ReasonRunning
		out.Message = fmt.Sprintf("Every replica runs generation %d", generation)
	}
	return out
}
