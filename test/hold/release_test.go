package hold_test

import (
	"context"
	"fmt"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/api/v1alpha1"
	"portcullis.dev/portcullis/pkg/reconcile"
)

// sentenceOf is what a condition of a gateway says to people.
func sentenceOf(ctx context.Context, gw *v1beta1.IstioGateway, name string) (string, error) {
	if err := admin.Get(ctx, client.ObjectKeyFromObject(gw), gw); err != nil {
		return "", err
	}
	if found := meta.FindStatusCondition(gw.Status.Conditions, name); found != nil {
		return found.Message, nil
	}
	return "", nil
}

// useOf is what used an approval, nil when nothing did.
func useOf(ctx context.Context, approval *v1alpha1.ChangeApproval) *v1alpha1.ApprovalUse {
	GinkgoHelper()
	Expect(admin.Get(ctx, client.ObjectKeyFromObject(approval), approval)).To(Succeed())
	return approval.Status.UsedBy
}

var _ = Describe("What is held", func() {
	held := func(ctx context.Context, policy, parameters string) (*v1beta1.IstioGateway, string) {
		GinkgoHelper()
		ruled(ctx, policy, parameters)
		startController(reconcile.Options{})
		cluster := clusterOf(ctx, policy)
		gw := gatewayIn(ctx, policy, `{clusterIds: [`+policy+`]}`)
		admitted(ctx, gw, func(gw *v1beta1.IstioGateway) { gw.Labels = map[string]string{"policy": policy} })
		upgrade(ctx, cluster, newImage)
		return gw, expectHeld(ctx, gw, v1beta1.UpgradeHeld).Digest
	}

	It("waits for as many people as edits do", func(ctx context.Context) {
		gw, digest := held(ctx, "careful", `{"approvers": 2}`)
		first := approve(ctx, gw, digest)
		Eventually(sentenceOf).WithArguments(ctx, gw, v1beta1.ConditionRestartPending).Should(And(
			ContainSubstring("restart_approval: mesh.proxyImage: must be approved by 2 people"), ContainSubstring("is by olga alone"),
		))
		Consistently(imageOf).WithArguments(ctx, gw).Should(Equal(oldImage))
		Expect(useOf(ctx, first)).To(BeNil())

		second := approve(ctx, gw, digest, func(a *v1alpha1.ChangeApproval) { a.Spec.ApprovedBy.Username = "pavel" })
		Eventually(imageOf).WithArguments(ctx, gw).Should(Equal(newImage))
		expectNothingHeld(ctx, gw)
		Expect(useOf(ctx, first)).To(HaveField("UID", string(gw.UID)))
		Expect(useOf(ctx, second)).To(HaveField("UID", string(gw.UID)))
	})

	It("waits for the end of a freeze, as edits do, and goes then", func(ctx context.Context) {
		until := time.Now().Add(25 * time.Second).Truncate(time.Second)
		gw, digest := held(ctx, "frozen", fmt.Sprintf(`{"freezes": [{"since": "2026-01-01T00:00:00Z", "until": %q}]}`, until.UTC().Format(time.RFC3339)))
		approval := approve(ctx, gw, digest)
		Eventually(sentenceOf).WithArguments(ctx, gw, v1beta1.ConditionRestartPending).Should(
			ContainSubstring("restart_approval: mesh.proxyImage: must wait until no freeze holds to restart every pod in frozen"))
		Expect(imageOf(ctx, gw)).To(Equal(oldImage))
		Eventually(imageOf).WithTimeout(2*time.Minute).WithArguments(ctx, gw).Should(Equal(newImage))
		Expect(time.Now()).To(BeTemporally(">=", until))
		expectNothingHeld(ctx, gw)
		Expect(useOf(ctx, approval)).NotTo(BeNil())
	})
})
