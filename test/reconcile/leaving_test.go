package reconcile_test

import (
	"context"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
)

// finalized sets the finalizers of a Service, as a JSON list, unless the Service is gone.
func finalized(ctx context.Context, service *corev1.Service, finalizers string) {
	GinkgoHelper()
	patch := client.RawPatch("application/merge-patch+json", []byte(`{"metadata":{"finalizers":`+finalizers+`}}`))
	Expect(client.IgnoreNotFound(admin.Patch(ctx, service, patch))).To(Succeed())
}

var _ = Describe("Leaving a cluster", func() {
	When("somebody holds the Service of a deleted gateway", func() {
		It("stays, Terminating, and goes when the Service goes", func(ctx context.Context) {
			gw := gatewayOf("held", `{clusterIds: [local], ports: [{name: http, port: 80}]}`)
			expectApplied(ctx, gw)
			expectReady(ctx, gw)
			service := expectExists(ctx, gw, &corev1.Service{})
			finalized(ctx, service, `["example.com/keep"]`)
			DeferCleanup(finalized, service, `null`)

			Expect(admin.Delete(ctx, gw)).To(Succeed())
			deployment := &appsv1.Deployment{}
			deployment.Namespace, deployment.Name = namespace, "istio-held"
			Eventually(gone).WithArguments(ctx, deployment).Should(BeTrue())
			Eventually(func() bool { return expectExists(ctx, gw, &corev1.Service{}).DeletionTimestamp != nil }).Should(BeTrue())
			terminating := func(g Gomega) {
				g.Expect(admin.Get(ctx, client.ObjectKeyFromObject(gw), gw)).To(Succeed())
				g.Expect(gw.Status.Status).To(Equal("Terminating"))
				g.Expect(gw.Status.Clusters).To(HaveExactElements(HaveField("State", v1beta1.ClusterDeleting)))
			}
			Eventually(terminating).Should(Succeed())
			Consistently(terminating).Should(Succeed())
			Expect(conditionOf(ctx, gw, v1beta1.ConditionDeletionBlocked)).To(Equal("False InProgress"))

			finalized(ctx, service, `null`)
			Eventually(gone).WithArguments(ctx, gw).Should(BeTrue())
			Expect(gone(ctx, service)).To(BeTrue())
		})
	})

	When("it changes its mind, back and forth", func() {
		It("ends where it ends, with one set of objects and one entry", func(ctx context.Context) {
			gw := gatewayOf("fickle", `{clusterIds: [local], ports: [{name: http, port: 80}]}`)
			expectApplied(ctx, gw)
			expectReady(ctx, gw)
			for range 3 {
				for _, id := range []string{"elsewhere", "local"} {
					expectChanged(ctx, gw, func(gw *v1beta1.IstioGateway) { gw.Spec.ClusterIDs = []string{id} })
				}
			}
			expectReady(ctx, gw)
			Eventually(func(g Gomega) {
				g.Expect(admin.Get(ctx, client.ObjectKeyFromObject(gw), gw)).To(Succeed())
				g.Expect(gw.Status.Clusters).To(HaveExactElements(HaveField("ClusterID", "local")))
			}).Should(Succeed())
			Eventually(conditionOf).WithArguments(ctx, gw, v1beta1.ConditionAddressAssigned).Should(Equal("True Assigned"))
			Expect(gw.Status.ErrorMessage).To(BeEmpty())
			settled := settledVersions(ctx, gw)
			Expect(settled).To(HaveLen(6), "the gateway and five objects")
			Consistently(versions).WithArguments(ctx, gw).Should(Equal(settled))
		})

		It("comes back after it had left", func(ctx context.Context) {
			gw := gatewayOf("returned", `{clusterIds: [local], ports: [{name: http, port: 80}]}`)
			expectApplied(ctx, gw)
			expectReady(ctx, gw)
			service := expectExists(ctx, gw, &corev1.Service{})
			expectChanged(ctx, gw, func(gw *v1beta1.IstioGateway) { gw.Spec.ClusterIDs = []string{"elsewhere"} })
			Eventually(gone).WithArguments(ctx, service).Should(BeTrue())
			Eventually(notes).WithArguments(ctx, gw, "Removed").Should(ContainElement("Removed the gateway from cluster local"))
			expectChanged(ctx, gw, func(gw *v1beta1.IstioGateway) { gw.Spec.ClusterIDs = []string{"local"} })
			expectReady(ctx, gw)
			Eventually(func(g Gomega) {
				g.Expect(admin.Get(ctx, client.ObjectKeyFromObject(gw), gw)).To(Succeed())
				g.Expect(gw.Status.Clusters).To(HaveExactElements(HaveField("ClusterID", "local")))
			}).Should(Succeed())
		})
	})

	When("it is deleted and made again under its name", func() {
		It("is another gateway, with nothing of the first", func(ctx context.Context) {
			first := gatewayOf("phoenix", `{clusterIds: [local], ports: [{name: http, port: 80}]}`)
			expectApplied(ctx, first)
			expectReady(ctx, first)
			before := expectExists(ctx, first, &corev1.Service{}).UID
			Expect(admin.Delete(ctx, first)).To(Succeed())
			Eventually(gone).WithArguments(ctx, first).Should(BeTrue())
			second := gatewayOf("phoenix", `{clusterIds: [local], ports: [{name: https, port: 443}]}`)
			expectApplied(ctx, second)
			expectReady(ctx, second)
			service := expectExists(ctx, second, &corev1.Service{})
			Expect(service.UID).NotTo(Equal(before))
			Expect(service.Labels).To(HaveKeyWithValue("portcullis.dev/gateway-uid", string(second.UID)))
			Expect(service.Spec.Ports).To(HaveExactElements(HaveField("Port", int32(443))))
		})
	})
})
