package render

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	metav1ac "k8s.io/client-go/applyconfigurations/meta/v1"
	policyv1ac "k8s.io/client-go/applyconfigurations/policy/v1"

	"portcullis.dev/portcullis/pkg/gateway"
)

// maxEvicted is the share of a gateway's pods that a node drain may take at once. It is rounded up, so that
// one of two may always go: a minimum of available pods would block the drain of a node instead.
const maxEvicted = "25%"

// podDisruptionBudget keeps node drains from taking a gateway's pods all at once; nil while there may be only
// one pod, because a budget over one pod protects nothing.
func podDisruptionBudget(p gateway.Placed) *policyv1ac.PodDisruptionBudgetApplyConfiguration {
	if certainPods(p) < 2 {
		return nil
	}
	return policyv1ac.PodDisruptionBudget(gateway.ObjectName(p.Name), p.Namespace).
		WithLabels(objectLabels(p)).
		WithSpec(policyv1ac.PodDisruptionBudgetSpec().
			WithMaxUnavailable(intstr.FromString(maxEvicted)).
			WithSelector(budgeted(p)))
}

// budgeted selects the pods that the budget is over: a canary beside them is not one of those that somebody counted on.
func budgeted(p gateway.Placed) *metav1ac.LabelSelectorApplyConfiguration {
	out := metav1ac.LabelSelector().WithMatchLabels(selector(p))
	if !hasCanary(p) {
		return out
	}
	return out.WithMatchExpressions(metav1ac.LabelSelectorRequirement().
		WithKey(LabelCanary).
		WithOperator(metav1.LabelSelectorOpDoesNotExist))
}

// certainPods is the number of pods that a gateway has at least; none is certain when somebody else counts.
func certainPods(p gateway.Placed) int32 {
	// The autoscaler may be at its lower bound at any moment.
	if autoscaled(p) {
		return minReplicas(p)
	}
	if !ownsReplicas(p) {
		return 0
	}
	return valueOf(p.Spec.ReplicaCount)
}
