package reconcile

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/api/v1alpha1"
	"portcullis.dev/portcullis/pkg/change"
)

// gravity orders the reasons to hold a restart, the gravest first.
func gravity() []v1beta1.HoldReason {
	return []v1beta1.HoldReason{v1beta1.NotAdmitted, v1beta1.RestoredOlder, v1beta1.TemplateDrifted, v1beta1.UpgradeHeld}
}

// pendingOf joins what is held in the clusters of a gateway; nil when nothing is.
//
// What was released stays as it is until the last of its clusters has rolled: without those that went first it would be
// another change, which nobody approved.
func pendingOf(gw *v1beta1.IstioGateway) (*v1beta1.PendingRestart, error) {
	reasons := map[v1beta1.HoldReason]bool{}
	var held [][]change.Field
	covered := true
	for _, entry := range gw.Status.Clusters {
		if entry.Held == nil {
			continue
		}
		fields, err := change.FromApproved(entry.Held.Changes)
		if err != nil {
			return nil, err
		}
		let, err := releasedIn(gw, entry.ClusterID, fields)
		if err != nil {
			return nil, err
		}
		covered = covered && let
		reasons[entry.Held.Reason] = true
		held = append(held, fields)
	}
	if len(held) == 0 {
		return nil, nil //nolint:nilnil // nothing is held, and nothing stands in the status then
	}
	if covered {
		return gw.Status.Pending, nil
	}
	merged, err := change.Merge(gw.UID, held...)
	if err != nil {
		return nil, err
	}
	out := &v1beta1.PendingRestart{Digest: merged.Digest}
	for _, reason := range slices.Backward(gravity()) {
		if reasons[reason] {
			out.Reason = reason
		}
	}
	out.Changes, err = change.ToApproved(merged.Changes)
	return out, err
}

// restartPending says whether a restart is held.
func restartPending(gw *v1beta1.IstioGateway) metav1.Condition {
	pending := gw.Status.Pending
	if pending == nil {
		return condition(v1beta1.ConditionRestartPending, metav1.ConditionFalse, reasonNothingHeld, "No restart is held")
	}
	if pending.ReleasedBy != "" {
		return condition(v1beta1.ConditionRestartPending, metav1.ConditionFalse, reasonReleased,
			fmt.Sprintf("ChangeApproval %s released %s; rolling", pending.ReleasedBy, pending.Digest))
	}
	next := fmt.Sprintf("To see and approve it: kubectl portcullis rollout %s -n %s", gw.Name, gw.Namespace)
	if pending.Refusal != "" {
		next = "The approvals that there are do not release it: " + pending.Refusal
	}
	return condition(v1beta1.ConditionRestartPending, metav1.ConditionTrue, string(pending.Reason), shortened(fmt.Sprintf(
		"%s: %s. Digest %s. %s", because(pending.Reason), told(pending.Changes), pending.Digest, next), longestCondition))
}

// because says why a restart is held, in a clause.
func because(reason v1beta1.HoldReason) string {
	switch reason {
	case v1beta1.NotAdmitted:
		return "The gateway was changed past the guard, and its pods would restart"
	case v1beta1.RestoredOlder:
		return "The gateway is older than what runs, and its pods would restart"
	case v1beta1.TemplateDrifted:
		return "Somebody changed the pods in the cluster, and to put them back restarts them again"
	case v1beta1.UpgradeHeld:
		return "A newer mesh profile or renderer is there, and pods would restart to get it"
	}
	return "Held"
}

// told lists changes as people read them.
func told(changes []v1alpha1.ApprovedChange) string {
	var out []string
	for _, field := range changes {
		out = append(out, fmt.Sprintf("%s %s -> %s in %s", field.Path, inWords(field.Before), inWords(field.After), strings.Join(field.Clusters, ", ")))
	}
	return strings.Join(out, "; ")
}

// inWords is a field's value as a sentence shows it.
func inWords(value *apiextensionsv1.JSON) string {
	if value == nil {
		return "(not set)"
	}
	return compact(value.Raw)
}

// compact is JSON on one line.
func compact(raw json.RawMessage) string {
	return strings.Join(strings.Fields(string(raw)), " ")
}
