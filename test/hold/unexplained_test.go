package hold_test

import (
	"context"
	"fmt"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	appsv1ac "k8s.io/client-go/applyconfigurations/apps/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/api/v1alpha1"
	"portcullis.dev/portcullis/pkg/change"
	"portcullis.dev/portcullis/pkg/gateway"
	"portcullis.dev/portcullis/pkg/reconcile"
)

// extracted is what of a Deployment is the controller's.
func extracted(deployment *appsv1.Deployment) *appsv1ac.DeploymentApplyConfiguration {
	GinkgoHelper()
	owned, err := appsv1ac.ExtractDeployment(deployment, reconcile.FieldOwner)
	Expect(err).NotTo(HaveOccurred())
	return owned
}

var _ = Describe("A template change that nothing explains", func() {
	var running *controller

	BeforeEach(func(ctx context.Context) {
		running = startController(reconcile.Options{})
		clusterOf(ctx, "home")
	})

	When("the guard was bypassed", func() {
		It("is held while everything else follows, and rolls when it is approved", func(ctx context.Context) {
			gw := gatewayIn(ctx, "bypassed", `{clusterIds: [home], ports: [{name: http, port: 80}]}`)
			pods := podsOf(ctx, gw)
			bypassed(ctx, gw, func(gw *v1beta1.IstioGateway) {
				gw.Spec.PodLabels = map[string]string{"evil": "1"}
				gw.Spec.ReplicaCount = new(int32(2))
				gw.Spec.ServiceLabels = map[string]string{"follows": "yes"}
			})
			pending := expectHeld(ctx, gw, v1beta1.NotAdmitted)
			Expect(pending.Changes).To(HaveExactElements(HaveField("Path", "template.metadata.labels.evil")))
			Expect(conditionIn(gw, v1beta1.ConditionReconciled)).To(Equal("False RestartHeld"), "in the same status")
			Eventually(func() int32 { return *deploymentOf(ctx, gw).Spec.Replicas }).Should(Equal(int32(2)))
			service := &corev1.Service{}
			Expect(admin.Get(ctx, client.ObjectKey{Namespace: namespace, Name: "istio-bypassed"}, service)).To(Succeed())
			Expect(service.Labels).To(HaveKeyWithValue("follows", "yes"))
			Consistently(podsOf).WithArguments(ctx, gw).Should(ContainElements(pods))

			approve(ctx, gw, pending.Digest)
			expectNothingHeld(ctx, gw)
			Eventually(podsOf).WithArguments(ctx, gw).ShouldNot(ContainElements(pods))
		})

		It("is dropped when the gateway goes back", func(ctx context.Context) {
			gw := gatewayIn(ctx, "regretted", `{clusterIds: [home]}`)
			pods := podsOf(ctx, gw)
			bypassed(ctx, gw, func(gw *v1beta1.IstioGateway) { gw.Spec.PodLabels = map[string]string{"a": "b"} })
			expectHeld(ctx, gw, v1beta1.NotAdmitted)
			bypassed(ctx, gw, func(gw *v1beta1.IstioGateway) { gw.Spec.PodLabels = nil })
			expectNothingHeld(ctx, gw)
			expectSamePods(ctx, gw, pods)
		})

		It("is held when it hides in an annotation, which counts no generation", func(ctx context.Context) {
			gw := gatewayIn(ctx, "annotated", `{clusterIds: [home]}`)
			pods := podsOf(ctx, gw)
			bypassed(ctx, gw, func(gw *v1beta1.IstioGateway) { gw.Annotations[gateway.AnnotationDrainTimeout] = "77" })
			expectHeld(ctx, gw, v1beta1.NotAdmitted)
			expectSamePods(ctx, gw, pods)
		})
	})

	When("the guard let it in", func() {
		It("is applied, and records the approvals that let it in, once", func(ctx context.Context) {
			gw := gatewayIn(ctx, "approved", `{clusterIds: [home]}`)
			approval := approve(ctx, gw, "sha256:"+fmt.Sprintf("%064d", 7))
			stranger := approve(ctx, gw, "sha256:"+fmt.Sprintf("%064d", 8), func(a *v1alpha1.ChangeApproval) { a.Spec.GatewayName = "stranger" })
			admitted(ctx, gw, func(gw *v1beta1.IstioGateway) {
				gw.Spec.PodLabels = map[string]string{"a": "b"}
				gw.Annotations[gateway.AnnotationApprovedBy] = approval.Name + "," + stranger.Name + ",long-gone"
			})
			Eventually(func() *v1alpha1.ApprovalUse {
				Expect(admin.Get(ctx, client.ObjectKeyFromObject(approval), approval)).To(Succeed())
				return approval.Status.UsedBy
			}).Should(And(HaveField("UID", string(gw.UID)), HaveField("Generation", gw.Generation)))
			Expect(deploymentOf(ctx, gw).Spec.Template.Labels).To(HaveKeyWithValue("a", "b"), "recorded only after it was applied")
			at := approval.Status.UsedBy.At
			admitted(ctx, gw, func(gw *v1beta1.IstioGateway) { gw.Spec.ReplicaCount = new(int32(2)) })
			Eventually(func() int32 { return *deploymentOf(ctx, gw).Spec.Replicas }).Should(Equal(int32(2)))
			Expect(admin.Get(ctx, client.ObjectKeyFromObject(approval), approval)).To(Succeed())
			Expect(approval.Status.UsedBy.At).To(Equal(at))
			Expect(admin.Get(ctx, client.ObjectKeyFromObject(stranger), stranger)).To(Succeed())
			Expect(stranger.Status.UsedBy).To(BeNil())
		})
	})

	When("the guard let its deletion in", func() {
		It("records the approvals that did before it goes", func(ctx context.Context) {
			gw := gatewayIn(ctx, "deleted", `{clusterIds: [home], ports: [{name: http, port: 8080}]}`)
			registered := &v1alpha1.GatewayClusterList{}
			Expect(admin.List(ctx, registered)).To(Succeed())
			deletion, err := change.Between(gw, nil, registered.Items)
			Expect(err).NotTo(HaveOccurred())
			Expect(deletion.Effects[change.AddressLoss]).NotTo(BeEmpty())
			approval := approve(ctx, gw, deletion.Digest)
			Expect(admin.Delete(ctx, gw)).To(Succeed())
			Eventually(func() bool { return apierrors.IsNotFound(admin.Get(ctx, client.ObjectKeyFromObject(gw), gw)) }).Should(BeTrue())
			Expect(admin.Get(ctx, client.ObjectKeyFromObject(approval), approval)).To(Succeed())
			Expect(approval.Status.UsedBy).To(HaveField("UID", string(gw.UID)))
		})
	})

	When("the gateways' store was put back", func() {
		It("is held: what runs is of a later generation", func(ctx context.Context) {
			gw := gatewayIn(ctx, "restored", `{clusterIds: [home]}`)
			pods := podsOf(ctx, gw)
			// A store that was put back shows in the generations: what runs says that it is of a later one. A controller that
			// sees one without the other only corrects what is said.
			running.stop()
			owned := extracted(deploymentOf(ctx, gw))
			owned.Annotations["portcullis.dev/generation"] = "1000"
			owned.Annotations["portcullis.dev/template-hash"] = "of a later generation"
			Expect(admin.Apply(ctx, owned, client.FieldOwner(reconcile.FieldOwner), client.ForceOwnership)).To(Succeed())
			admitted(ctx, gw, func(gw *v1beta1.IstioGateway) { gw.Spec.PodLabels = map[string]string{"older": "yes"} })
			running.start()
			pending := expectHeld(ctx, gw, v1beta1.RestoredOlder)
			expectSamePods(ctx, gw, pods)
			approve(ctx, gw, pending.Digest)
			expectNothingHeld(ctx, gw)
			Expect(deploymentOf(ctx, gw).Spec.Template.Labels).To(HaveKeyWithValue("older", "yes"))
		})
	})

	When("somebody changed the pods in the cluster", func() {
		It("is not undone by another restart until that is approved", func(ctx context.Context) {
			gw := gatewayIn(ctx, "drifted", `{clusterIds: [home]}`)
			output, err := kubectl(ctx, plane.Kubeconfig, "set", "image", "deployment/istio-drifted", "istio-proxy=example.com/proxy:debug")
			Expect(err).NotTo(HaveOccurred(), output)
			pending := expectHeld(ctx, gw, v1beta1.TemplateDrifted)
			Expect(pending.Changes).To(HaveExactElements(HaveField("Path", "template.spec.containers.istio-proxy.image")))
			Consistently(imageOf).WithArguments(ctx, gw).Should(Equal("example.com/proxy:debug"))
			approve(ctx, gw, pending.Digest)
			expectNothingHeld(ctx, gw)
			Expect(imageOf(ctx, gw)).To(Equal(oldImage))
		})
	})
})

var _ = Describe("Old approvals", func() {
	It("are deleted when they were used or expired long enough ago, and kept until then", func(ctx context.Context) {
		startController(reconcile.Options{ApprovalRetention: 4 * time.Second})
		gw := &v1beta1.IstioGateway{ObjectMeta: metav1.ObjectMeta{Name: "past"}}
		expired := approve(ctx, gw, "sha256:"+fmt.Sprintf("%064d", 1), func(a *v1alpha1.ChangeApproval) {
			a.Spec.NotBefore, a.Spec.NotAfter = &metav1.Time{Time: time.Now().Add(-time.Hour)}, &metav1.Time{Time: time.Now().Add(-time.Minute)}
		})
		valid := approve(ctx, gw, "sha256:"+fmt.Sprintf("%064d", 2))
		used := approve(ctx, gw, "sha256:"+fmt.Sprintf("%064d", 3))
		used.Status.UsedBy = &v1alpha1.ApprovalUse{UID: "u", Generation: 1, At: metav1.Now()}
		Expect(admin.Status().Update(ctx, used)).To(Succeed())
		kept := func(approval *v1alpha1.ChangeApproval) bool {
			return admin.Get(ctx, client.ObjectKeyFromObject(approval), approval) == nil
		}
		Eventually(kept).WithArguments(expired).Should(BeFalse())
		Eventually(kept).WithArguments(used).Should(BeFalse())
		Expect(time.Now()).To(BeTemporally(">", used.Status.UsedBy.At.Add(3*time.Second)))
		Consistently(kept).WithArguments(valid).Should(BeTrue())
	})
})
