package reconcile_test

import (
	"context"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/gateway"
	"portcullis.dev/portcullis/pkg/render"
)

// adopting sets what becomes of foreign objects.
func adopting(how string) func(*v1beta1.IstioGateway) {
	return func(gw *v1beta1.IstioGateway) {
		metav1.SetMetaDataAnnotation(&gw.ObjectMeta, gateway.AnnotationAdopt, how)
	}
}

// theirs makes a Service and a Deployment of somebody else, with the names of a gateway's and a selector.
func theirs(ctx context.Context, name string, selector map[string]string) (*corev1.Service, *appsv1.Deployment) {
	GinkgoHelper()
	service := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "istio-" + name},
		Spec:       corev1.ServiceSpec{Type: corev1.ServiceTypeLoadBalancer, Selector: selector, Ports: []corev1.ServicePort{{Name: "http", Port: 80}}},
	}
	deployment := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "istio-" + name}}
	deployment.Spec.Selector = &metav1.LabelSelector{MatchLabels: selector}
	deployment.Spec.Template.Labels = selector
	deployment.Spec.Template.Spec.Containers = []corev1.Container{{Name: "istio-proxy", Image: "example.com/theirs:1"}}
	for _, object := range []client.Object{service, deployment} {
		Expect(admin.Create(ctx, object)).To(Succeed())
		DeferCleanup(func(ctx context.Context) { Expect(client.IgnoreNotFound(admin.Delete(ctx, object))).To(Succeed()) })
	}
	Eventually(func() []corev1.LoadBalancerIngress {
		Expect(admin.Get(ctx, client.ObjectKeyFromObject(service), service)).To(Succeed())
		return service.Status.LoadBalancer.Ingress
	}).ShouldNot(BeEmpty())
	return service, deployment
}

var _ = Describe("Objects of somebody else", func() {
	It("are left alone, told what taking them would change, and taken as they are asked for (istio#43439)", func(ctx context.Context) {
		service, deployment := theirs(ctx, "adopted", map[string]string{"app": "istio-adopted", "istio": "adopted"})
		gw := gatewayOf("adopted", `{clusterIds: [local], ports: [{name: http, port: 80}]}`)
		expectApplied(ctx, gw)
		Eventually(saysOf).WithArguments(ctx, gw, v1beta1.ConditionConflict).Should(HavePrefix(
			"True Cluster local: Service istio-adopted: is somebody else's; Deployment istio-adopted: is somebody else's. To see"))

		expectChanged(ctx, gw, adopting("DryRun"))
		Eventually(saysOf).WithArguments(ctx, gw, v1beta1.ConditionConflict).Should(And(
			HavePrefix("True Taking what is somebody else's would change: Cluster local: Service istio-adopted: "),
			ContainSubstring("spec.template.spec.containers.istio-proxy.image"), ContainSubstring("(its pods would restart)")))
		Expect(expectExists(ctx, gw, &appsv1.Deployment{}).Spec.Template).To(Equal(deployment.Spec.Template))

		expectChanged(ctx, gw, adopting("Take"))
		Eventually(conditionOf).WithArguments(ctx, gw, v1beta1.ConditionRestartPending).Should(Equal("True UpgradeHeld"))
		kept := expectExists(ctx, gw, &appsv1.Deployment{})
		Expect(kept.Labels).To(HaveKeyWithValue(render.LabelGateway, gw.Name))
		Expect(kept.Spec.Template).To(Equal(deployment.Spec.Template), "its pods restart only when somebody approves that")
		Expect(conditionOf(ctx, gw, v1beta1.ConditionConflict)).To(Equal("False NoConflict"))
		taken := expectExists(ctx, gw, &corev1.Service{})
		Expect(taken.UID).To(Equal(service.UID))
		Expect(taken.Status).To(Equal(service.Status))
		Expect(taken.Spec.ClusterIP).To(Equal(service.Spec.ClusterIP))
		Expect(taken.Spec.Ports).To(ContainElement(HaveField("NodePort", service.Spec.Ports[0].NodePort)))
		Expect(expectExists(ctx, gw, &appsv1.Deployment{}).UID).To(Equal(deployment.UID))
	})

	It("are not taken where their pods are selected otherwise, and it says what to do (istio#54145)", func(ctx context.Context) {
		_, deployment := theirs(ctx, "selected", map[string]string{"app": "other"})
		gw := gatewayOf("selected", `{clusterIds: [local], ports: [{name: http, port: 80}]}`)
		adopting("Take")(gw)
		expectApplied(ctx, gw)
		Eventually(saysOf).WithArguments(ctx, gw, v1beta1.ConditionReconciled).Should(And(
			ContainSubstring("taking Deployment istio-system/istio-selected: spec.selector cannot change, must be app=istio-selected,istio=selected, is app=other"),
			ContainSubstring("rename the gateway")))
		Expect(expectExists(ctx, gw, &appsv1.Deployment{}).Spec.Template).To(Equal(deployment.Spec.Template))
	})
})
