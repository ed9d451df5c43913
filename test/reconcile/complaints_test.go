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
)

// What users of other controllers complain of, where no other file here has it; docs/complaints.md lists all of it.
var _ = Describe("What others complain of", func() {
	It("restarts no pod for an edit that leaves the pods as they are (envoyproxy/gateway#2965)", func(ctx context.Context) {
		gw := gatewayOf("routed", `{clusterIds: [local], replicaCount: 2, ports: [{name: http, port: 80}]}`)
		expectApplied(ctx, gw)
		expectReady(ctx, gw)
		before := expectExists(ctx, gw, &appsv1.Deployment{}).Generation
		expectChanged(ctx, gw, func(gw *v1beta1.IstioGateway) {
			gw.Spec.Ports = append(gw.Spec.Ports, gatewayOf("added", `{ports: [{name: https, port: 443}]}`).Spec.Ports...)
			gw.Spec.ServiceAnnotations = map[string]string{"example.com/note": "edited"}
		})
		touch(ctx, gw, "edited")
		expectReady(ctx, gw)
		Expect(expectExists(ctx, gw, &appsv1.Deployment{}).Generation).To(Equal(before))
	})

	It("leaves the other gateways alone when one is deleted (istio#40577)", func(ctx context.Context) {
		stays, goes := gatewayOf("stays", `{clusterIds: [local], ports: [{name: http, port: 80}]}`), gatewayOf("goes", `{clusterIds: [local], ports: [{name: http, port: 80}]}`)
		expectApplied(ctx, stays)
		expectApplied(ctx, goes)
		expectReady(ctx, stays)
		expectReady(ctx, goes)
		Eventually(conditionOf).WithArguments(ctx, stays, v1beta1.ConditionAddressAssigned).Should(Equal("True Assigned"))
		before := settledVersions(ctx, stays)
		Expect(admin.Delete(ctx, goes)).To(Succeed())
		Eventually(gone).WithArguments(ctx, goes).Should(BeTrue())
		Consistently(versions).WithArguments(ctx, stays).Should(Equal(before))
	})

	It("says that a load balancer's class cannot change, and keeps the Service (envoyproxy/gateway#1793)", func(ctx context.Context) {
		gw := gatewayOf("classed", `{clusterIds: [local], loadBalancerClass: example.com/one, ports: [{name: http, port: 80}]}`)
		expectApplied(ctx, gw)
		Eventually(conditionOf).WithArguments(ctx, gw, v1beta1.ConditionReconciled).Should(Equal("True Applied"))
		before := expectExists(ctx, gw, &corev1.Service{}).UID
		expectChanged(ctx, gw, func(gw *v1beta1.IstioGateway) { gw.Spec.LoadBalancerClass = new("example.com/two") })
		Eventually(conditionOf).WithArguments(ctx, gw, v1beta1.ConditionReconciled).Should(Equal("False ClusterFailed"))
		Expect(gw.Status.ErrorMessage).To(ContainSubstring("may not change once set"))
		Expect(expectExists(ctx, gw, &corev1.Service{}).UID).To(Equal(before))
		expectChanged(ctx, gw, func(gw *v1beta1.IstioGateway) { gw.Spec.LoadBalancerClass = new("example.com/one") })
		Eventually(conditionOf).WithArguments(ctx, gw, v1beta1.ConditionReconciled).Should(Equal("True Applied"))
	})

	It("tries again by itself when what stood in the way is gone (envoyproxy/gateway#10000)", func(ctx context.Context) {
		foreign := &corev1.Service{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "istio-obstructed"},
			Spec:       corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 9}}},
		}
		Expect(admin.Create(ctx, foreign)).To(Succeed())
		gw := gatewayOf("obstructed", `{clusterIds: [local], ports: [{name: http, port: 80}]}`)
		expectApplied(ctx, gw)
		Eventually(conditionOf).WithArguments(ctx, gw, v1beta1.ConditionReconciled).Should(Equal("False ClusterFailed"))
		// Nobody watches what is somebody else's: no event tells that it is gone.
		Expect(admin.Delete(ctx, foreign)).To(Succeed())
		expectReady(ctx, gw)
	})

	It("says again that there is an address when there is, whoever wrote the status meanwhile (envoyproxy/gateway#8953)", func(ctx context.Context) {
		gw := gatewayOf("regained", `{clusterIds: [local], ports: [{name: http, port: 80}]}`)
		expectApplied(ctx, gw)
		expectReady(ctx, gw)
		Eventually(conditionOf).WithArguments(ctx, gw, v1beta1.ConditionAddressAssigned).Should(Equal("True Assigned"))
		overwritten := client.RawPatch("application/merge-patch+json", []byte(`{"status":{"Status":"Failed","GatewayAddress":null,"conditions":[]}}`))
		Expect(admin.Status().Patch(ctx, gw, overwritten)).To(Succeed())
		readdress(ctx, gw, "198.51.100.9")
		Eventually(func() []string {
			Expect(admin.Get(ctx, client.ObjectKeyFromObject(gw), gw)).To(Succeed())
			return gw.Status.GatewayAddress
		}).Should(Equal([]string{"198.51.100.9"}))
		Eventually(conditionOf).WithArguments(ctx, gw, v1beta1.ConditionAddressAssigned).Should(Equal("True Assigned"))
		Expect(gw.Status.Status).To(Equal("Running"))
	})
})
