package reconcile

import (
	"cmp"
	"slices"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/api/v1alpha1"
)

// The words of ASM's own Status field.
const (
	stateRunning     = "Running"
	statePending     = "Pending"
	stateFailed      = "Failed"
	stateTerminating = "Terminating"
)

// summarize derives the rest of a gateway's status from its entries.
func summarize(gw *v1beta1.IstioGateway, registered []v1alpha1.GatewayCluster) {
	status := &gw.Status
	slices.SortFunc(status.Clusters, func(a, b v1beta1.ClusterStatus) int { return cmp.Compare(a.ClusterID, b.ClusterID) })
	status.ClusterIDGatewayAddressMap, status.GatewayAddress = nil, nil
	for _, entry := range status.Clusters {
		for _, address := range entry.Addresses {
			status.GatewayAddress = append(status.GatewayAddress, address)
			status.ClusterIDGatewayAddressMap = append(status.ClusterIDGatewayAddressMap,
				v1beta1.ClusterGatewayAddress{ClusterID: entry.ClusterID, IPAddress: address})
		}
	}
	slices.Sort(status.GatewayAddress)
	for _, condition := range []metav1.Condition{
		accepted(gw, registered),
		reconciled(gw),
		ready(gw),
		addressAssigned(gw),
		restartPending(gw),
		paused(gw),
		inTheWay(gw),
		deletionBlocked(gw),
	} {
		condition.ObservedGeneration = cmp.Or(condition.ObservedGeneration, gw.Generation)
		meta.SetStatusCondition(&status.Conditions, condition)
	}
	// The generation that Ready speaks of: tools that read this number and Ready's status, and not the number beside it, must
	// not take the pods from before an edit for those after it.
	status.ObservedGeneration = meta.FindStatusCondition(status.Conditions, v1beta1.ConditionReady).ObservedGeneration
	tellExports(gw)
	status.Status, status.ErrorMessage = legacy(gw)
}

// legacy is the status in ASM's own words, for those who read no conditions.
func legacy(gw *v1beta1.IstioGateway) (state, message string) {
	if condition := meta.FindStatusCondition(gw.Status.Conditions, v1beta1.ConditionDeletionBlocked); condition.Status == metav1.ConditionTrue {
		return stateTerminating, condition.Message
	}
	if gw.DeletionTimestamp != nil {
		return stateTerminating, ""
	}
	for _, name := range []string{v1beta1.ConditionAccepted, v1beta1.ConditionReconciled} {
		condition := meta.FindStatusCondition(gw.Status.Conditions, name)
		if condition.Status == metav1.ConditionFalse && !slices.Contains([]string{reasonInProgress, reasonPaused, reasonHeld, reasonKindLacking}, condition.Reason) {
			return stateFailed, condition.Message
		}
	}
	// A held restart, or a kind that is lacking, leaves the pods that run running, and is no failure; that not everything is
	// as the gateway says is told.
	held := ""
	if condition := meta.FindStatusCondition(gw.Status.Conditions, v1beta1.ConditionReconciled); condition.Reason == reasonHeld || condition.Reason == reasonKindLacking {
		held = condition.Message
	}
	if meta.IsStatusConditionTrue(gw.Status.Conditions, v1beta1.ConditionReady) {
		return stateRunning, held
	}
	return statePending, held
}
