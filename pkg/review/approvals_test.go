package review

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"portcullis.dev/portcullis/pkg/api/v1alpha1"
)

func TestApprovalStateSaysWhatAnApprovalIsWorth(t *testing.T) {
	r := reviewer(t, known(t)...)
	old, rooted := storedGateway(t, r, plainSpec), gatewayOf(t, rootedSpec)
	approval, now := approvalFor(t, r, "b", rooted, old), r.Now()
	at := func(later time.Duration) *metav1.Time { return &metav1.Time{Time: now.Add(later)} }
	tests := map[string]struct {
		change func(*v1alpha1.ChangeApproval)
		want   string
	}{
		"as it is":               {func(*v1alpha1.ChangeApproval) {}, StateValid},
		"of another gateway":     {func(a *v1alpha1.ChangeApproval) { a.Spec.GatewayUID = "u0" }, StateOtherGateway},
		"of no gateway":          {func(a *v1alpha1.ChangeApproval) { a.Spec.GatewayUID = "" }, StateOtherGateway},
		"used":                   {func(a *v1alpha1.ChangeApproval) { a.Status.UsedBy = &v1alpha1.ApprovalUse{} }, StateUsed},
		"named":                  {func(a *v1alpha1.ChangeApproval) { a.Name = "named" }, StateUsed},
		"of another change":      {func(a *v1alpha1.ChangeApproval) { a.Spec.Digest = "sha256:other" }, StateOtherChange},
		"over":                   {func(a *v1alpha1.ChangeApproval) { a.Spec.NotAfter = at(-time.Second) }, StateExpired},
		"without an end":         {func(a *v1alpha1.ChangeApproval) { a.Spec.NotAfter = nil }, StateExpired},
		"yet to come":            {func(a *v1alpha1.ChangeApproval) { a.Spec.NotBefore = at(time.Second) }, StateNotYetValid},
		"without a beginning":    {func(a *v1alpha1.ChangeApproval) { a.Spec.NotBefore = nil }, StateNotYetValid},
		"beginning this instant": {func(a *v1alpha1.ChangeApproval) { a.Spec.NotBefore = at(0) }, StateValid},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			given := *approval.DeepCopy()
			test.change(&given)
			if got := ApprovalState(given, "u1", approval.Spec.Digest, []string{"named"}, now); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
	if got := ApprovalState(approval, "u1", "", nil, now); got != StateOtherChange {
		t.Errorf("got %s for no change, want %s", got, StateOtherChange)
	}
}
