package reconcile_test

import (
	"context"
	"fmt"
	"maps"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
)

// scale sets a Deployment's replicas the way an autoscaler does.
func scale(ctx context.Context, gw *v1beta1.IstioGateway, replicas int32) {
	GinkgoHelper()
	deployment := expectExists(ctx, gw, &appsv1.Deployment{})
	patch := client.RawPatch("application/merge-patch+json", fmt.Appendf(nil, `{"spec":{"replicas":%d}}`, replicas))
	Expect(admin.SubResource("scale").Patch(ctx, deployment, patch, client.FieldOwner("kube-controller-manager"))).To(Succeed())
}

// touch makes the controller look at a gateway again.
func touch(ctx context.Context, gw *v1beta1.IstioGateway, value string) {
	GinkgoHelper()
	expectChanged(ctx, gw, func(gw *v1beta1.IstioGateway) {
		gw.Spec.ServiceLabels = map[string]string{"touched": value}
	})
	Eventually(func() map[string]string {
		return expectExists(ctx, gw, &corev1.Service{}).Labels
	}).Should(HaveKeyWithValue("touched", value))
}

var _ = Describe("What others own", func() {
	When("an autoscaler has scaled a gateway to five", func() {
		It("leaves the replicas alone, pass after pass (envoyproxy/gateway#2807)", func(ctx context.Context) {
			gw := gatewayOf("scaled", `{clusterIds: [local], replicaCount: 2, minReplicas: 2, maxReplicas: 8, cpu: {targetAverageUtilization: 80}, ports: [{name: http, port: 80}]}`)
			expectApplied(ctx, gw)
			expectReady(ctx, gw)
			scale(ctx, gw, 5)
			touch(ctx, gw, "once")
			touch(ctx, gw, "twice")
			Consistently(replicasOf).WithArguments(ctx, gw).Should(Equal(int32(5)))
		})
	})

	When("an autoscaler is switched on for a gateway with four pods", func() {
		It("never has fewer (istio#41481)", func(ctx context.Context) {
			gw := gatewayOf("grown", `{clusterIds: [local], replicaCount: 4, ports: [{name: http, port: 80}]}`)
			expectApplied(ctx, gw)
			expectReady(ctx, gw)
			expectChanged(ctx, gw, func(gw *v1beta1.IstioGateway) {
				gw.Spec.MinReplicas, gw.Spec.MaxReplicas = new(int32(2)), new(int32(8))
				gw.Spec.CPU = &v1beta1.HpaCPU{TargetAverageUtilization: new(int32(80))}
			})
			touch(ctx, gw, "after")
			Consistently(replicasOf).WithArguments(ctx, gw).Should(Equal(int32(4)))
		})
	})

	When("a gateway comes with an autoscaler", func() {
		It("has the fewest pods that this keeps from the start (banzaicloud/istio-operator#890)", func(ctx context.Context) {
			gw := gatewayOf("born-scaled", `{clusterIds: [local], minReplicas: 3, maxReplicas: 8, cpu: {targetAverageUtilization: 80}, ports: [{name: http, port: 80}]}`)
			expectApplied(ctx, gw)
			Eventually(replicasOf).WithArguments(ctx, gw).Should(Equal(int32(3)))
			scale(ctx, gw, 6)
			touch(ctx, gw, "scaled")
			Consistently(replicasOf).WithArguments(ctx, gw).Should(Equal(int32(6)))
			Expect(notes(ctx, gw, "DriftCorrected")).To(BeEmpty())
		})
	})

	When("an autoscaler that has scaled a gateway to six is switched off", func() {
		It("keeps the six until somebody asks for another number", func(ctx context.Context) {
			gw := gatewayOf("outgrown", `{clusterIds: [local], replicaCount: 2, minReplicas: 2, maxReplicas: 8, cpu: {targetAverageUtilization: 80}, ports: [{name: http, port: 80}]}`)
			expectApplied(ctx, gw)
			expectReady(ctx, gw)
			scale(ctx, gw, 6)
			expectChanged(ctx, gw, func(gw *v1beta1.IstioGateway) { gw.Spec.AutoscaleEnabled = new(false) })
			touch(ctx, gw, "off")
			Consistently(replicasOf).WithArguments(ctx, gw).Should(Equal(int32(6)))
			scale(ctx, gw, 4)
			Eventually(replicasOf).WithArguments(ctx, gw).Should(Equal(int32(6)), "the number is the gateway's now")
			expectChanged(ctx, gw, func(gw *v1beta1.IstioGateway) { gw.Spec.ReplicaCount = new(int32(3)) })
			Eventually(replicasOf).WithArguments(ctx, gw).Should(Equal(int32(3)))
		})
	})

	When("somebody scales a gateway without autoscaler by hand", func() {
		It("puts the replicas back, and tells who had changed them", func(ctx context.Context) {
			gw := gatewayOf("steady", `{clusterIds: [local], replicaCount: 2, ports: [{name: http, port: 80}]}`)
			expectApplied(ctx, gw)
			expectReady(ctx, gw)
			scale(ctx, gw, 5)
			Eventually(replicasOf).WithArguments(ctx, gw).Should(Equal(int32(2)))
			Eventually(notes).WithArguments(ctx, gw, "DriftCorrected").Should(ContainElement(
				"Corrected Deployment istio-steady in cluster local, which kube-controller-manager had changed"))
		})
	})

	When("somebody deletes a gateway's Service", func() {
		It("makes it again", func(ctx context.Context) {
			gw := gatewayOf("healed", `{clusterIds: [local], ports: [{name: http, port: 80}]}`)
			expectApplied(ctx, gw)
			expectReady(ctx, gw)
			service := expectExists(ctx, gw, &corev1.Service{})
			before := service.UID
			Expect(admin.Delete(ctx, service)).To(Succeed())
			Eventually(func() bool { return expectExists(ctx, gw, &corev1.Service{}).UID != before }).Should(BeTrue())
		})
	})

	When("others annotate what a gateway is made of", func() {
		It("keeps their annotations, on the Deployment's template and on the Service (nginx-gateway-fabric#4447)", func(ctx context.Context) {
			gw := gatewayOf("annotated", `{clusterIds: [local], ports: [{name: http, port: 80}]}`)
			expectApplied(ctx, gw)
			expectReady(ctx, gw)
			deployment, service := expectExists(ctx, gw, &appsv1.Deployment{}), expectExists(ctx, gw, &corev1.Service{})
			restarted := client.RawPatch("application/merge-patch+json", []byte(`{"spec":{"template":{"metadata":{"annotations":{"kubectl.kubernetes.io/restartedAt":"now"}}}}}`))
			Expect(admin.Patch(ctx, deployment, restarted)).To(Succeed())
			noted := client.RawPatch("application/merge-patch+json", []byte(`{"metadata":{"annotations":{"field.cattle.io/publicEndpoints":"[]"}}}`))
			Expect(admin.Patch(ctx, service, noted)).To(Succeed())
			touch(ctx, gw, "again")
			Expect(expectExists(ctx, gw, &appsv1.Deployment{}).Spec.Template.Annotations).To(HaveKeyWithValue("kubectl.kubernetes.io/restartedAt", "now"))
			Expect(expectExists(ctx, gw, &corev1.Service{}).Annotations).To(HaveKeyWithValue("field.cattle.io/publicEndpoints", "[]"))
		})
	})

	When("an annotation leaves the gateway", func() {
		It("leaves the Service too (cilium#34155)", func(ctx context.Context) {
			gw := gatewayOf("cleaned", `{clusterIds: [local], serviceAnnotations: {keep: "1", drop: "1"}, ports: [{name: http, port: 80}]}`)
			expectApplied(ctx, gw)
			expectReady(ctx, gw)
			Expect(expectExists(ctx, gw, &corev1.Service{}).Annotations).To(HaveKey("drop"))
			expectChanged(ctx, gw, func(gw *v1beta1.IstioGateway) { delete(gw.Spec.ServiceAnnotations, "drop") })
			Eventually(func() map[string]string { return expectExists(ctx, gw, &corev1.Service{}).Annotations }).ShouldNot(HaveKey("drop"))
			Expect(expectExists(ctx, gw, &corev1.Service{}).Annotations).To(HaveKeyWithValue("keep", "1"))
		})
	})

	When("a Service of the gateway's name belongs to somebody else", func() {
		It("leaves it alone and says so (envoyproxy/gateway#6501)", func(ctx context.Context) {
			foreign := &corev1.Service{
				ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "istio-taken"},
				Spec:       corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 9, TargetPort: intstr.FromInt32(9)}}},
			}
			Expect(admin.Create(ctx, foreign)).To(Succeed())
			DeferCleanup(func(ctx context.Context) { Expect(admin.Delete(ctx, foreign)).To(Succeed()) })
			gw := gatewayOf("taken", `{clusterIds: [local], ports: [{name: http, port: 80}]}`)
			expectApplied(ctx, gw)
			Eventually(conditionOf).WithArguments(ctx, gw, v1beta1.ConditionReconciled).Should(Equal("False ClusterFailed"))
			Expect(gw.Status.ErrorMessage).To(ContainSubstring("Cluster local: applying Service istio-system/istio-taken: it exists and is not this gateway's"))
			Expect(expectExists(ctx, gw, &corev1.Service{}).Spec.Ports[0].Port).To(Equal(int32(9)))
			Expect(expectExists(ctx, gw, &appsv1.Deployment{}).Name).To(Equal("istio-taken"), "the other objects are applied all the same")
		})
	})

	When("nothing changes", func() {
		It("writes nothing", func(ctx context.Context) {
			gw := gatewayOf("quiet", `{clusterIds: [local], replicaCount: 2, ports: [{name: http, port: 80}]}`)
			expectApplied(ctx, gw)
			expectReady(ctx, gw)
			Eventually(conditionOf).WithArguments(ctx, gw, v1beta1.ConditionAddressAssigned).Should(Equal("True Assigned"))
			before := settledVersions(ctx, gw)
			Consistently(func() bool { return maps.Equal(versions(ctx, gw), before) }).Should(BeTrue())
		})
	})
})

// settledVersions waits until nobody writes any more: the cluster's own controllers tell in an object's status what became
// of it, a moment after the gateway is Ready.
func settledVersions(ctx context.Context, gw *v1beta1.IstioGateway) map[string]string {
	GinkgoHelper()
	var before map[string]string
	Eventually(func() bool {
		last := before
		before = versions(ctx, gw)
		return maps.Equal(before, last)
	}).WithPolling(time.Second).Should(BeTrue())
	return before
}

// versions are the resource versions of a gateway and of what it is made of.
func versions(ctx context.Context, gw *v1beta1.IstioGateway) map[string]string {
	out := map[string]string{}
	if err := admin.Get(ctx, client.ObjectKeyFromObject(gw), gw); err == nil {
		out["IstioGateway"] = gw.ResourceVersion
	}
	for _, object := range kinds() {
		if err := admin.Get(ctx, client.ObjectKey{Namespace: namespace, Name: "istio-" + gw.Name}, object); err == nil {
			out[object.GetObjectKind().GroupVersionKind().String()+object.GetName()+string(object.GetUID())] = object.GetResourceVersion()
		}
	}
	return out
}

// notes are the sentences of a gateway's events of one reason.
func notes(ctx context.Context, gw *v1beta1.IstioGateway, reason string) []string {
	list := &eventsv1.EventList{}
	if err := admin.List(ctx, list); err != nil {
		return []string{err.Error()}
	}
	var out []string
	for _, event := range list.Items {
		if event.Reason == reason && event.Regarding.Name == gw.Name {
			out = append(out, event.Note)
		}
	}
	return out
}
