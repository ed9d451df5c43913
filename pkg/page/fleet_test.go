package page

import (
	"slices"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
)

// with is a gateway with conditions, each "Type Status Reason".
func with(name string, conditions ...metav1.Condition) *v1beta1.IstioGateway {
	gw := &v1beta1.IstioGateway{ObjectMeta: metav1.ObjectMeta{Namespace: "istio-system", Name: name}}
	gw.Status.Conditions = conditions
	return gw
}

func TestTroublesAreConditionsThatAreNotAsTheyShouldBe(t *testing.T) {
	gw := with("edge",
		metav1.Condition{Type: v1beta1.ConditionReady, Status: metav1.ConditionTrue},
		metav1.Condition{Type: v1beta1.ConditionReconciled, Status: metav1.ConditionUnknown},
		metav1.Condition{Type: v1beta1.ConditionRestartPending, Status: metav1.ConditionTrue, Reason: "UpgradeHeld"},
		metav1.Condition{Type: v1beta1.ConditionPaused, Status: metav1.ConditionFalse},
		metav1.Condition{Type: v1beta1.ConditionConflict, Status: metav1.ConditionTrue},
		metav1.Condition{Type: v1beta1.ConditionDeletionBlocked, Status: metav1.ConditionFalse},
		metav1.Condition{Type: v1beta1.ConditionAddressAssigned, Status: metav1.ConditionFalse, Reason: "NoLoadBalancer"},
	)
	var got []string
	for _, trouble := range rowOf(gw).Troubles {
		got = append(got, trouble.Condition)
	}
	want := []string{v1beta1.ConditionReconciled, v1beta1.ConditionRestartPending, v1beta1.ConditionConflict}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestGatewaysWithTroubleComeFirst(t *testing.T) {
	rows := []gatewayRow{
		rowOf(with("b")), rowOf(with("a")),
		rowOf(with("z", metav1.Condition{Type: v1beta1.ConditionReady, Status: metav1.ConditionFalse})),
	}
	slices.SortFunc(rows, byTrouble)
	if got := []string{rows[0].Name, rows[1].Name, rows[2].Name}; !slices.Equal(got, []string{"z", "a", "b"}) {
		t.Errorf("got %v", got)
	}
}
