package reconcile_test

import (
	"context"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/gateway"
)

// saysOf is what a condition of a gateway says for people.
func saysOf(ctx context.Context, gw *v1beta1.IstioGateway, name string) string {
	if err := admin.Get(ctx, client.ObjectKeyFromObject(gw), gw); err != nil {
		return err.Error()
	}
	for _, condition := range gw.Status.Conditions {
		if condition.Type == name && condition.ObservedGeneration == gw.Generation {
			return string(condition.Status) + " " + condition.Message
		}
	}
	return "not reported"
}

// paused sets the annotation that pauses a gateway; empty takes it away.
func paused(value string) func(*v1beta1.IstioGateway) {
	return func(gw *v1beta1.IstioGateway) {
		if value == "" {
			delete(gw.Annotations, gateway.AnnotationPaused)
			return
		}
		metav1.SetMetaDataAnnotation(&gw.ObjectMeta, gateway.AnnotationPaused, value)
	}
}

var _ = Describe("A paused gateway", func() {
	const asked = `{clusterIds: [local], replicaCount: 2, ports: [{name: http, port: 80}]}`

	It("is left as it is, says what waits, and goes on where it stopped", func(ctx context.Context) {
		gw := gatewayOf("paused", asked)
		expectApplied(ctx, gw)
		expectReady(ctx, gw)
		expectChanged(ctx, gw, paused("true"))
		Eventually(saysOf).WithArguments(ctx, gw, v1beta1.ConditionPaused).Should(Equal("True Nothing is written. What waits: Cluster local: nothing waits"))
		Expect(conditionOf(ctx, gw, v1beta1.ConditionReconciled)).To(Equal("True Applied"))
		before := settledVersions(ctx, gw)
		delete(before, "IstioGateway")

		expectChanged(ctx, gw, func(gw *v1beta1.IstioGateway) {
			gw.Spec.ReplicaCount = new(int32(3))
			gw.Spec.PodLabels = map[string]string{"team": "edge"}
			gw.Spec.Ports = nil
			gw.Spec.MinReplicas, gw.Spec.MaxReplicas = new(int32(3)), new(int32(5))
			gw.Spec.CPU = &v1beta1.HpaCPU{TargetAverageUtilization: new(int32(80))}
		})
		Eventually(saysOf).WithArguments(ctx, gw, v1beta1.ConditionPaused).Should(And(
			HavePrefix("True Nothing is written. What waits: Cluster local: "),
			ContainSubstring("Deployment istio-paused: "), ContainSubstring("spec.template.metadata.labels.team"),
			ContainSubstring("HorizontalPodAutoscaler istio-paused: is to be made"),
			ContainSubstring("Service istio-paused: is to be deleted"),
			Not(ContainSubstring("spec.replicas")),
		))
		Expect(conditionOf(ctx, gw, v1beta1.ConditionReconciled)).To(Equal("False Paused"))
		Expect(gw.Status.Conditions).To(ContainElement(And(HaveField("Type", v1beta1.ConditionReady),
			HaveField("Status", metav1.ConditionTrue), HaveField("ObservedGeneration", gw.Generation-1))), "the pods are those before the edit")
		Expect(gw.Status.Status).To(Equal("Running"))
		after := versions(ctx, gw)
		delete(after, "IstioGateway")
		Expect(after).To(Equal(before))

		expectChanged(ctx, gw, paused(""))
		Eventually(saysOf).WithArguments(ctx, gw, v1beta1.ConditionPaused).Should(Equal("False Nobody paused the gateway"))
		expectReady(ctx, gw)
		Expect(expectExists(ctx, gw, &appsv1.Deployment{}).Spec.Template.Labels).To(HaveKeyWithValue("team", "edge"))
	})

	It("is made nowhere before the pause ends", func(ctx context.Context) {
		gw := gatewayOf("unborn", asked)
		paused("local")(gw)
		expectApplied(ctx, gw)
		Eventually(saysOf).WithArguments(ctx, gw, v1beta1.ConditionPaused).Should(ContainSubstring("Deployment istio-unborn: is to be made"))
		Expect(gw.Status.Status).To(Equal("Pending"))
		Expect(versions(ctx, gw)).To(HaveLen(1), "the gateway itself")
		expectChanged(ctx, gw, paused(""))
		expectReady(ctx, gw)
	})

	It("stays in a cluster that it leaves until the pause ends, and is deleted all the same", func(ctx context.Context) {
		gw := gatewayOf("stopped", asked)
		expectApplied(ctx, gw)
		expectReady(ctx, gw)
		expectChanged(ctx, gw, func(gw *v1beta1.IstioGateway) {
			paused("local")(gw)
			gw.Spec.ClusterIDs = []string{"elsewhere"}
		})
		Eventually(saysOf).WithArguments(ctx, gw, v1beta1.ConditionPaused).Should(ContainSubstring("Cluster local: everything there is to be deleted"))
		Expect(expectExists(ctx, gw, &appsv1.Deployment{}).DeletionTimestamp).To(BeNil())
		Expect(admin.Delete(ctx, gw)).To(Succeed())
		Eventually(gone).WithArguments(ctx, gw).Should(BeTrue())
		deployment := &appsv1.Deployment{}
		deployment.Namespace, deployment.Name = namespace, "istio-stopped"
		Expect(gone(ctx, deployment)).To(BeTrue())
	})
})
