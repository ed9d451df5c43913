package reconcile_test

import (
	"context"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/gateway"
	"portcullis.dev/portcullis/pkg/reconcile"
)

// kinds are the kinds that a gateway is made of.
func kinds() []client.Object {
	return []client.Object{
		&corev1.ServiceAccount{}, &rbacv1.Role{}, &rbacv1.RoleBinding{}, &corev1.Service{}, &appsv1.Deployment{},
		&autoscalingv2.HorizontalPodAutoscaler{}, &policyv1.PodDisruptionBudget{},
	}
}

var _ = Describe("A gateway", func() {
	When("it is created", func() {
		It("becomes Ready with an address, and says so in both sets of words", func(ctx context.Context) {
			gw := gatewayOf("born", `{clusterIds: [local], replicaCount: 2, ports: [{name: http, port: 80}]}`)
			expectApplied(ctx, gw)
			expectReady(ctx, gw)
			Eventually(conditionOf).WithArguments(ctx, gw, v1beta1.ConditionAddressAssigned).Should(Equal("True Assigned"))
			Expect(gw.Finalizers).To(ConsistOf(reconcile.Finalizer))
			Expect(gw.Status.Status).To(Equal("Running"))
			Expect(gw.Status.ErrorMessage).To(BeEmpty())
			Expect(gw.Status.GatewayAddress).To(HaveExactElements(HavePrefix("203.0.113.")))
			Expect(gw.Status.ClusterIDGatewayAddressMap).To(Equal([]v1beta1.ClusterGatewayAddress{
				{ClusterID: "local", IPAddress: gw.Status.GatewayAddress[0]},
			}))
			entry := gw.Status.Clusters[0]
			Expect(entry.Replicas).To(Equal(int32(2)))
			Expect(entry.ReadyReplicas).To(Equal(int32(2)))
			Expect(entry.Mesh.ProxyImage).NotTo(BeEmpty())
			Expect(entry.Objects).To(HaveExactElements(
				v1beta1.ObjectReference{APIVersion: "v1", Kind: "ServiceAccount", Name: "istio-born"},
				v1beta1.ObjectReference{APIVersion: "rbac.authorization.k8s.io/v1", Kind: "Role", Name: "istio-born"},
				v1beta1.ObjectReference{APIVersion: "rbac.authorization.k8s.io/v1", Kind: "RoleBinding", Name: "istio-born"},
				v1beta1.ObjectReference{APIVersion: "v1", Kind: "Service", Name: "istio-born"},
				v1beta1.ObjectReference{APIVersion: "apps/v1", Kind: "Deployment", Name: "istio-born"},
				v1beta1.ObjectReference{APIVersion: "policy/v1", Kind: "PodDisruptionBudget", Name: "istio-born"},
			))
		})

		It("has every kind of object when it autoscales (istio#46594)", func(ctx context.Context) {
			gw := gatewayOf("complete", `{clusterIds: [local], minReplicas: 2, maxReplicas: 4, cpu: {targetAverageUtilization: 80}, ports: [{name: http, port: 80}]}`)
			expectApplied(ctx, gw)
			expectReady(ctx, gw)
			for _, object := range kinds() {
				expectExists(ctx, gw, object)
				Expect(object.GetLabels()).To(HaveKeyWithValue("portcullis.dev/gateway", "complete"))
			}
		})
	})

	When("something of it is overridden", func() {
		It("says what holds there", func(ctx context.Context) {
			gw := gatewayOf("other", `{clusterIds: [local], serviceAnnotations: {a: b, c: d}, ports: [{name: http, port: 80}],
				overrides: {local: {replicaCount: 2, serviceAnnotations: {a: "", e: f}}}}`)
			expectApplied(ctx, gw)
			expectReady(ctx, gw)
			Expect(gw.Status.Clusters[0].Effective).To(Equal(&v1beta1.EffectiveOverride{
				ReplicaCount: new(int32(2)), ServiceAnnotations: map[string]string{"c": "d", "e": "f"},
			}))
			service := &corev1.Service{}
			expectExists(ctx, gw, service)
			Expect(service.Annotations).To(And(HaveKeyWithValue("c", "d"), HaveKeyWithValue("e", "f"), Not(HaveKey("a"))))
		})
	})

	When("it has several load balancers", func() {
		It("has the addresses of all of them, and lets one go when it is asked for no more", func(ctx context.Context) {
			gw := gatewayOf("several", `{clusterIds: [local], ports: [{name: http, port: 80}, {name: https, port: 443}]}`)
			gw.Annotations = map[string]string{gateway.AnnotationLoadBalancers: `[{name: private, ports: [443]}]`}
			expectApplied(ctx, gw)
			expectReady(ctx, gw)
			further := &corev1.Service{}
			key := client.ObjectKey{Namespace: namespace, Name: "istio-several-private"}
			Eventually(func(g Gomega) {
				g.Expect(admin.Get(ctx, key, further)).To(Succeed())
				g.Expect(further.Status.LoadBalancer.Ingress).To(HaveLen(1))
				g.Expect(admin.Get(ctx, client.ObjectKeyFromObject(gw), gw)).To(Succeed())
				g.Expect(gw.Status.Clusters[0].Addresses).To(And(HaveLen(2), ContainElement(further.Status.LoadBalancer.Ingress[0].IP)))
			}).Should(Succeed())
			Expect(further.Spec.Ports).To(HaveLen(1))
			Eventually(conditionOf).WithArguments(ctx, gw, v1beta1.ConditionAddressAssigned).Should(Equal("True Assigned"))

			Eventually(func() error {
				if err := admin.Get(ctx, client.ObjectKeyFromObject(gw), gw); err != nil {
					return err
				}
				delete(gw.Annotations, gateway.AnnotationLoadBalancers)
				return admin.Update(ctx, gw)
			}).Should(Succeed())
			Eventually(func() bool { return gone(ctx, further) }).Should(BeTrue())
			Eventually(func(g Gomega) {
				g.Expect(admin.Get(ctx, client.ObjectKeyFromObject(gw), gw)).To(Succeed())
				g.Expect(gw.Status.Clusters[0].Addresses).To(HaveLen(1))
			}).Should(Succeed())
		})
	})

	When("it is deleted", func() {
		It("leaves nothing behind", func(ctx context.Context) {
			gw := gatewayOf("mortal", `{clusterIds: [local], minReplicas: 2, maxReplicas: 4, cpu: {targetAverageUtilization: 80}, ports: [{name: http, port: 80}]}`)
			expectApplied(ctx, gw)
			expectReady(ctx, gw)
			Expect(admin.Delete(ctx, gw)).To(Succeed())
			Eventually(gone).WithArguments(ctx, gw).Should(BeTrue())
			for _, object := range kinds() {
				object.SetNamespace(namespace)
				object.SetName("istio-mortal")
				Expect(gone(ctx, object)).To(BeTrue(), "%T is still there", object)
			}
			Eventually(func(g Gomega) {
				pods := &corev1.PodList{}
				g.Expect(admin.List(ctx, pods, client.InNamespace(namespace), client.MatchingLabels{"app": "istio-mortal"})).To(Succeed())
				g.Expect(pods.Items).To(BeEmpty())
			}).Should(Succeed())
		})
	})

	When("its only cluster is replaced by another one", func() {
		It("leaves the first, and says what stands in the way in the second", func(ctx context.Context) {
			gw := gatewayOf("mover", `{clusterIds: [local], ports: [{name: http, port: 80}]}`)
			expectApplied(ctx, gw)
			expectReady(ctx, gw)
			expectChanged(ctx, gw, func(gw *v1beta1.IstioGateway) { gw.Spec.ClusterIDs = []string{"elsewhere"} })
			Eventually(conditionOf).WithArguments(ctx, gw, v1beta1.ConditionAccepted).Should(Equal("False ClusterNotRegistered"))
			Eventually(conditionOf).WithArguments(ctx, gw, v1beta1.ConditionReconciled).Should(Equal("False ClusterFailed"))
			Expect(gw.Status.Status).To(Equal("Failed"))
			Expect(gw.Status.ErrorMessage).To(Equal("No GatewayCluster is named elsewhere"))
			for _, object := range kinds() {
				object.SetNamespace(namespace)
				object.SetName("istio-mover")
				Eventually(gone).WithArguments(ctx, object).Should(BeTrue(), "%T is still there", object)
			}
			Eventually(func(g Gomega) {
				g.Expect(admin.Get(ctx, client.ObjectKeyFromObject(gw), gw)).To(Succeed())
				g.Expect(gw.Status.Clusters).To(HaveExactElements(HaveField("ClusterID", "elsewhere")))
			}).Should(Succeed())
		})
	})

	When("it asks to be managed and no cluster is registered for that", func() {
		It("says so and makes nothing", func(ctx context.Context) {
			gw := gatewayOf("managed", `{ports: [{name: http, port: 80}]}`)
			gw.Annotations = map[string]string{"asm.alibabacloud.com/managed-by-asm": "true"}
			expectApplied(ctx, gw)
			Eventually(conditionOf).WithArguments(ctx, gw, v1beta1.ConditionAccepted).Should(Equal("False NoManagedCluster"))
			Expect(gw.Status.Clusters).To(BeEmpty())
		})
	})

	When("an autoscaler is no longer wanted", func() {
		It("is pruned", func(ctx context.Context) {
			gw := gatewayOf("pruned", `{clusterIds: [local], minReplicas: 2, maxReplicas: 4, cpu: {targetAverageUtilization: 80}, ports: [{name: http, port: 80}]}`)
			expectApplied(ctx, gw)
			expectReady(ctx, gw)
			autoscaler := expectExists(ctx, gw, &autoscalingv2.HorizontalPodAutoscaler{})
			expectChanged(ctx, gw, func(gw *v1beta1.IstioGateway) { gw.Spec.CPU = nil })
			Eventually(gone).WithArguments(ctx, autoscaler).Should(BeTrue())
			expectReady(ctx, gw)
		})
	})
})
