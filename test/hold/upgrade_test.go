package hold_test

import (
	"context"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/api/v1alpha1"
	"portcullis.dev/portcullis/pkg/reconcile"
)

const oldImage, newImage = "example.com/proxy:1", "example.com/proxy:2"

var _ = Describe("A newer mesh profile", func() {
	When("two gateways run with the one before", func() {
		It("restarts neither, says why, and rolls exactly the one that is approved (kuma#9918)", func(ctx context.Context) {
			running := startController(reconcile.Options{})
			cluster := clusterOf(ctx, "fleet")
			first, second := gatewayIn(ctx, "first", `{clusterIds: [fleet]}`), gatewayIn(ctx, "second", `{clusterIds: [fleet], replicaCount: 2}`)
			firstPods, secondPods := podsOf(ctx, first), podsOf(ctx, second)

			By("upgrading while no controller runs, and starting a new one")
			running.stop()
			upgrade(ctx, cluster, newImage)
			running.start()
			pending := expectHeld(ctx, first, v1beta1.UpgradeHeld)
			Expect(pending.Changes).To(HaveLen(1))
			Expect(pending.Changes[0].Path).To(Equal("mesh.proxyImage"))
			Expect(string(pending.Changes[0].Before.Raw)).To(Equal(`"` + oldImage + `"`))
			Expect(string(pending.Changes[0].After.Raw)).To(Equal(`"` + newImage + `"`))
			Expect(pending.Changes[0].Clusters).To(Equal([]string{"fleet"}))
			Expect(pending.Digest).NotTo(Equal(expectHeld(ctx, second, v1beta1.UpgradeHeld).Digest))
			expectSamePods(ctx, first, firstPods)
			expectSamePods(ctx, second, secondPods)
			Expect(conditionOf(ctx, first, v1beta1.ConditionReconciled)).To(Equal("True Applied"))
			Eventually(notes).WithArguments(ctx, first, "RestartHeld").Should(HaveLen(1))

			By("approving one of the two")
			approval := approve(ctx, first, pending.Digest)
			Eventually(imageOf).WithArguments(ctx, first).Should(Equal(newImage))
			expectNothingHeld(ctx, first)
			Expect(first.Status.Clusters[0].Mesh.ProxyImage).To(Equal(newImage))
			Expect(admin.Get(ctx, client.ObjectKeyFromObject(approval), approval)).To(Succeed())
			Expect(approval.Status.UsedBy).NotTo(BeNil())
			Expect(approval.Status.UsedBy.UID).To(Equal(string(first.UID)))
			Eventually(notes).WithArguments(ctx, first, "RestartReleased").Should(HaveLen(1))
			Eventually(notes).WithArguments(ctx, first, "RestartRolled").Should(HaveLen(1))
			expectSamePods(ctx, second, secondPods)
			Expect(imageOf(ctx, second)).To(Equal(oldImage))
			Expect(conditionOf(ctx, second, v1beta1.ConditionRestartPending)).To(Equal("True UpgradeHeld"))
		})

		It("holds one that changes who completes the pods, and what sets the parameters of nodes, until it is approved", func(ctx context.Context) {
			startController(reconcile.Options{})
			cluster := clusterOf(ctx, "injected")
			gw := gatewayIn(ctx, "hydrated", `{clusterIds: [injected], kernel: {enabled: true, parameters: {vm.swappiness: "10"}}}`)
			pods := podsOf(ctx, gw)
			patch := client.RawPatch("application/merge-patch+json", []byte(`{"spec":{"mesh":{"injection":true,"privilegedInit":true}}}`))
			Expect(admin.Patch(ctx, cluster, patch)).To(Succeed())
			pending := expectHeld(ctx, gw, v1beta1.UpgradeHeld)
			var paths []string
			for _, change := range pending.Changes {
				paths = append(paths, change.Path)
			}
			Expect(paths).To(Equal([]string{"mesh.injection", "mesh.privilegedInit"}))
			expectSamePods(ctx, gw, pods)

			approve(ctx, gw, pending.Digest)
			Eventually(imageOf).WithArguments(ctx, gw).Should(Equal("auto"))
			expectNothingHeld(ctx, gw)
			Expect(deploymentOf(ctx, gw).Spec.Template.Spec.InitContainers).To(HaveLen(1))
		})

		It("does not come with a change that was approved meanwhile", func(ctx context.Context) {
			startController(reconcile.Options{})
			cluster := clusterOf(ctx, "smuggled")
			gw := gatewayIn(ctx, "smuggler", `{clusterIds: [smuggled]}`)
			upgrade(ctx, cluster, newImage)
			digest := expectHeld(ctx, gw, v1beta1.UpgradeHeld).Digest
			admitted(ctx, gw, func(gw *v1beta1.IstioGateway) { gw.Spec.PodLabels = map[string]string{"team": "edge"} })
			Eventually(func() map[string]string { return deploymentOf(ctx, gw).Spec.Template.Labels }).Should(HaveKeyWithValue("team", "edge"))
			Expect(imageOf(ctx, gw)).To(Equal(oldImage))
			Expect(expectHeld(ctx, gw, v1beta1.UpgradeHeld).Digest).To(Equal(digest))
		})

		It("is what a new gateway gets, and a gateway in a new cluster", func(ctx context.Context) {
			startController(reconcile.Options{})
			cluster := clusterOf(ctx, "renewed")
			older := gatewayIn(ctx, "old-one", `{clusterIds: [renewed]}`)
			upgrade(ctx, cluster, newImage)
			// So the controller knows of the newer profile: of clusters and of gateways it hears separately.
			expectHeld(ctx, older, v1beta1.UpgradeHeld)
			gw := gatewayIn(ctx, "new-one", `{clusterIds: [renewed]}`)
			Expect(imageOf(ctx, gw)).To(Equal(newImage))
			expectNothingHeld(ctx, gw)
		})

		It("is dropped when the cluster goes back to the one before", func(ctx context.Context) {
			startController(reconcile.Options{})
			cluster := clusterOf(ctx, "wavering")
			gw := gatewayIn(ctx, "waverer", `{clusterIds: [wavering]}`)
			pods := podsOf(ctx, gw)
			upgrade(ctx, cluster, newImage)
			expectHeld(ctx, gw, v1beta1.UpgradeHeld)
			upgrade(ctx, cluster, oldImage)
			expectNothingHeld(ctx, gw)
			expectSamePods(ctx, gw, pods)
		})
	})

	When("an approval is not for it", func() {
		It("is not released by one that is expired, not yet valid, of nobody, for another gateway or another digest", func(ctx context.Context) {
			startController(reconcile.Options{})
			cluster := clusterOf(ctx, "guarded")
			gw := gatewayIn(ctx, "guarded", `{clusterIds: [guarded]}`)
			pods := podsOf(ctx, gw)
			upgrade(ctx, cluster, newImage)
			digest := expectHeld(ctx, gw, v1beta1.UpgradeHeld).Digest
			approve(ctx, gw, digest, func(a *v1alpha1.ChangeApproval) {
				a.Spec.NotBefore, a.Spec.NotAfter = &metav1.Time{Time: time.Now().Add(-2 * time.Hour)}, &metav1.Time{Time: time.Now().Add(-time.Minute)}
			})
			approve(ctx, gw, digest, func(a *v1alpha1.ChangeApproval) { a.Spec.ApprovedBy = nil })
			approve(ctx, gw, digest, func(a *v1alpha1.ChangeApproval) { a.Spec.GatewayName = "other" })
			approve(ctx, gw, "sha256:"+digest[len(digest)-64:len(digest)-1]+other(digest[len(digest)-1:]))
			expectSamePods(ctx, gw, pods)
			Expect(expectHeld(ctx, gw, v1beta1.UpgradeHeld).ReleasedBy).To(BeEmpty())

			By("waiting for the one that is not yet valid")
			soon := time.Now().Add(8 * time.Second)
			approval := approve(ctx, gw, digest, func(a *v1alpha1.ChangeApproval) { a.Spec.NotBefore = &metav1.Time{Time: soon} })
			Eventually(imageOf).WithArguments(ctx, gw).Should(Equal(newImage))
			Expect(time.Now()).To(BeTemporally(">=", soon.Truncate(time.Second)))
			expectNothingHeld(ctx, gw)
			Expect(admin.Get(ctx, client.ObjectKeyFromObject(approval), approval)).To(Succeed())
			Expect(approval.Status.UsedBy).NotTo(BeNil())

			By("going back and forth: what was used releases nothing again")
			upgrade(ctx, cluster, oldImage)
			back := expectHeld(ctx, gw, v1beta1.UpgradeHeld).Digest
			approve(ctx, gw, back)
			Eventually(imageOf).WithArguments(ctx, gw).Should(Equal(oldImage))
			expectNothingHeld(ctx, gw)
			upgrade(ctx, cluster, newImage)
			Expect(expectHeld(ctx, gw, v1beta1.UpgradeHeld).Digest).To(Equal(digest), "it is the same upgrade")
			Consistently(imageOf).WithArguments(ctx, gw).Should(Equal(oldImage))
		})
	})
})

// other is another hexadecimal digit.
func other(digit string) string {
	if digit == "0" {
		return "1"
	}
	return "0"
}

// ofOlderRenderer makes a gateway's Deployment look as an older renderer left it: it says so, and its template is another
// one, all of it applied by the controller. It leaves the replicas to the gateway.
func ofOlderRenderer(ctx context.Context, gw *v1beta1.IstioGateway, annotated bool) {
	GinkgoHelper()
	deployment := deploymentOf(ctx, gw)
	owned := extracted(deployment)
	delete(owned.Spec.Template.Annotations, "prometheus.io/path")
	owned.Annotations["portcullis.dev/renderer"] = "-1"
	owned.Annotations["portcullis.dev/template-hash"] = "of an older renderer"
	if !annotated {
		owned.Annotations = nil
	}
	Expect(admin.Apply(ctx, owned, client.FieldOwner(reconcile.FieldOwner), client.ForceOwnership)).To(Succeed())
}

var _ = Describe("A newer renderer", func() {
	for name, annotated := range map[string]bool{"of another version": true, "of a version that described nothing": false} {
		It("restarts no gateway "+name+", and rolls exactly the one that is approved", func(ctx context.Context) {
			running := startController(reconcile.Options{})
			clusterOf(ctx, "rendered")
			first, second := gatewayIn(ctx, "previous-a", `{clusterIds: [rendered]}`), gatewayIn(ctx, "previous-b", `{clusterIds: [rendered]}`)
			running.stop()
			for _, gw := range []*v1beta1.IstioGateway{first, second} {
				ofOlderRenderer(ctx, gw, annotated)
				Eventually(func(g Gomega) {
					deployment := deploymentOf(ctx, gw)
					g.Expect(deployment.Status.ObservedGeneration).To(Equal(deployment.Generation))
					g.Expect(deployment.Status.UpdatedReplicas).To(Equal(int32(1)))
					g.Expect(deployment.Status.Replicas).To(Equal(int32(1)))
					g.Expect(deployment.Status.AvailableReplicas).To(Equal(int32(1)))
				}).Should(Succeed())
			}
			firstPods, secondPods := podsOf(ctx, first), podsOf(ctx, second)

			running.start()
			pending := expectHeld(ctx, first, v1beta1.UpgradeHeld)
			Expect(pending.Changes).To(HaveExactElements(HaveField("Path", "renderer")))
			expectHeld(ctx, second, v1beta1.UpgradeHeld)
			admitted(ctx, second, func(gw *v1beta1.IstioGateway) { gw.Spec.ReplicaCount = new(int32(3)) })
			Eventually(func() int32 { return *deploymentOf(ctx, second).Spec.Replicas }).Should(Equal(int32(3)), "replicas follow while the restart is held")
			expectSamePods(ctx, first, firstPods)
			Expect(podsOf(ctx, second)).To(ContainElements(secondPods))

			approve(ctx, first, pending.Digest)
			expectNothingHeld(ctx, first)
			Eventually(podsOf).WithArguments(ctx, first).ShouldNot(ContainElements(firstPods))
			Expect(deploymentOf(ctx, first).Spec.Template.Annotations).To(HaveKey("prometheus.io/path"))
			Consistently(podsOf).WithArguments(ctx, second).Should(ContainElements(secondPods))
			expectHeld(ctx, second, v1beta1.UpgradeHeld)
		})
	}
})
