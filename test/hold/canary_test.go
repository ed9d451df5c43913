package hold_test

import (
	"context"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/gateway"
	"portcullis.dev/portcullis/pkg/reconcile"
	"portcullis.dev/portcullis/pkg/render"
)

// withCanary asks for a canary.
func withCanary(gw *v1beta1.IstioGateway) { gw.Annotations[gateway.AnnotationCanary] = "true" }

// canaryOf is a gateway's canary, with its pods.
func canaryOf(ctx context.Context, gw *v1beta1.IstioGateway) (*appsv1.Deployment, []corev1.Pod, error) {
	deployment := &appsv1.Deployment{}
	if err := admin.Get(ctx, client.ObjectKey{Namespace: namespace, Name: "istio-" + gw.Name + "-canary"}, deployment); err != nil {
		return nil, nil, err
	}
	pods := &corev1.PodList{}
	err := admin.List(ctx, pods, client.InNamespace(namespace), client.MatchingLabels(deployment.Spec.Selector.MatchLabels))
	return deployment, pods.Items, err
}

var _ = Describe("A canary", func() {
	It("runs one pod of the newest behind the same Service, and touches no other (istio#59959)", func(ctx context.Context) {
		startController(reconcile.Options{})
		cluster := clusterOf(ctx, "mine")
		gw := gatewayIn(ctx, "deep", `{clusterIds: [mine], replicaCount: 2, ports: [{name: http, port: 80}]}`)
		before := deploymentOf(ctx, gw)
		upgrade(ctx, cluster, newImage)
		expectHeld(ctx, gw, v1beta1.UpgradeHeld)
		admitted(ctx, gw, withCanary)
		Eventually(func(g Gomega) {
			deployment, pods, err := canaryOf(ctx, gw)
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(deployment.Spec.Template.Spec.Containers[0].Image).To(Equal(newImage))
			g.Expect(pods).To(HaveLen(1))
			service := &corev1.Service{}
			g.Expect(admin.Get(ctx, client.ObjectKey{Namespace: namespace, Name: "istio-deep"}, service)).To(Succeed())
			for key, value := range service.Spec.Selector {
				g.Expect(pods[0].Labels).To(HaveKeyWithValue(key, value))
			}
			// The cluster's own controller counts the pods that are guarded: the canary is none of them.
			budget := &policyv1.PodDisruptionBudget{}
			g.Expect(admin.Get(ctx, client.ObjectKey{Namespace: namespace, Name: "istio-deep"}, budget)).To(Succeed())
			g.Expect(budget.Status.ObservedGeneration).To(Equal(budget.Generation))
			g.Expect(budget.Status.ExpectedPods).To(Equal(int32(2)))
		}).Should(Succeed())
		expectHeld(ctx, gw, v1beta1.UpgradeHeld)

		admitted(ctx, gw, func(gw *v1beta1.IstioGateway) { delete(gw.Annotations, gateway.AnnotationCanary) })
		Eventually(func() bool { _, _, err := canaryOf(ctx, gw); return apierrors.IsNotFound(err) }).Should(BeTrue())
		after := deploymentOf(ctx, gw)
		Expect(after.Generation).To(Equal(before.Generation))
		Expect(after.UID).To(Equal(before.UID))
	})

	It("never takes over a Deployment that is somebody else's", func(ctx context.Context) {
		labels := map[string]string{"app": "theirs"}
		theirs := &appsv1.Deployment{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "istio-shallow-canary"},
			Spec: appsv1.DeploymentSpec{Replicas: new(int32(0)), Selector: &metav1.LabelSelector{MatchLabels: labels}, Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "c", Image: "example.com/theirs:1"}}},
			}},
		}
		Expect(admin.Create(ctx, theirs)).To(Succeed())
		DeferCleanup(func(ctx context.Context) { Expect(admin.Delete(ctx, theirs)).To(Succeed()) })
		startController(reconcile.Options{})
		clusterOf(ctx, "yours")
		gw := gatewayIn(ctx, "shallow", `{clusterIds: [yours]}`)
		admitted(ctx, gw, withCanary)
		Eventually(conditionOf).WithArguments(ctx, gw, v1beta1.ConditionReconciled).Should(Equal("False ClusterFailed"))
		Expect(gw.Status.Clusters[0].Message).To(ContainSubstring("istio-shallow-canary: it exists and is not this gateway's"))
		deployment, _, err := canaryOf(ctx, gw)
		Expect(err).NotTo(HaveOccurred())
		Expect(deployment.Generation).To(Equal(theirs.Generation))
		Expect(deployment.Labels).NotTo(HaveKey(render.LabelGateway))
	})
})
