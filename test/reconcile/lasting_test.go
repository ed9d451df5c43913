package reconcile_test

import (
	"context"
	"os/exec"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
)

// allocated is what the cluster gave a Service, and what traffic depends on.
type allocated struct {
	uid       string
	clusterIP string
	nodePorts map[int32]int32
}

// allocationOf is what the cluster gave a gateway's Service.
func allocationOf(ctx context.Context, gw *v1beta1.IstioGateway) allocated {
	GinkgoHelper()
	service := expectExists(ctx, gw, &corev1.Service{})
	out := allocated{uid: string(service.UID), clusterIP: service.Spec.ClusterIP, nodePorts: map[int32]int32{}}
	for _, port := range service.Spec.Ports {
		out.nodePorts[port.Port] = port.NodePort
	}
	return out
}

// kubectl runs the real kubectl as an administrator.
func kubectl(ctx context.Context, args ...string) {
	GinkgoHelper()
	command := exec.CommandContext(ctx, plane.Kubectl, append([]string{"--kubeconfig", plane.Kubeconfig, "-n", namespace}, args...)...)
	output, err := command.CombinedOutput()
	Expect(err).NotTo(HaveOccurred(), string(output))
}

var _ = Describe("What lasts", func() {
	When("names and annotations of ports are edited", func() {
		It("keeps the Service, its cluster IP and its node ports (aws-load-balancer-controller#3348)", func(ctx context.Context) {
			gw := gatewayOf("ported", `{clusterIds: [local], ports: [{name: http, port: 80}, {name: https, port: 443}]}`)
			expectApplied(ctx, gw)
			expectReady(ctx, gw)
			before := allocationOf(ctx, gw)
			Expect(before.clusterIP).NotTo(BeEmpty())
			Expect(before.nodePorts).To(HaveLen(2))
			Expect(before.nodePorts).NotTo(ContainElement(BeZero()))
			expectChanged(ctx, gw, func(gw *v1beta1.IstioGateway) {
				gw.Spec.Ports[0].Name, gw.Spec.Ports[1].Name = "http2-web", "tls-web"
				gw.Spec.ServiceAnnotations = map[string]string{"example.com/note": "renamed"}
			})
			Eventually(func() []string {
				var names []string
				for _, port := range expectExists(ctx, gw, &corev1.Service{}).Spec.Ports {
					names = append(names, port.Name)
				}
				return names
			}).Should(ConsistOf("http2-web", "tls-web"))
			Expect(allocationOf(ctx, gw)).To(Equal(before))
		})

		It("keeps the other node ports when a port is added (istio#31418)", func(ctx context.Context) {
			gw := gatewayOf("widened", `{clusterIds: [local], ports: [{name: http, port: 80}]}`)
			expectApplied(ctx, gw)
			expectReady(ctx, gw)
			before := allocationOf(ctx, gw)
			expectChanged(ctx, gw, func(gw *v1beta1.IstioGateway) {
				added := gatewayOf("added", `{ports: [{name: https, port: 443}]}`)
				gw.Spec.Ports = append(added.Spec.Ports, gw.Spec.Ports...)
			})
			Eventually(func() map[int32]int32 { return allocationOf(ctx, gw).nodePorts }).Should(HaveLen(2))
			after := allocationOf(ctx, gw)
			Expect(after.nodePorts).To(HaveKeyWithValue(int32(80), before.nodePorts[80]))
			Expect(after.clusterIP).To(Equal(before.clusterIP))
			Expect(after.uid).To(Equal(before.uid))
		})
	})

	When("the replicas are left to others", func() {
		It("leaves them to kubectl scale, and drops no pod on the way (nginx-gateway-fabric#4858)", func(ctx context.Context) {
			gw := gatewayOf("delegated", `{clusterIds: [local], replicaCount: 3, ports: [{name: http, port: 80}]}`)
			expectApplied(ctx, gw)
			expectReady(ctx, gw)
			expectChanged(ctx, gw, func(gw *v1beta1.IstioGateway) {
				gw.Annotations = map[string]string{"asm.alibabacloud.com/replicas-managed-by-asm": "false"}
			})
			touch(ctx, gw, "delegated")
			Expect(replicasOf(ctx, gw)).To(Equal(int32(3)))
			kubectl(ctx, "scale", "deployment/istio-delegated", "--replicas=5")
			touch(ctx, gw, "scaled")
			Consistently(replicasOf).WithArguments(ctx, gw).Should(Equal(int32(5)))
			Expect(notes(ctx, gw, "DriftCorrected")).To(BeEmpty())
		})
	})

	When("somebody restarts the pods with kubectl", func() {
		It("lets the rollout happen, once (nginx-gateway-fabric#5627)", func(ctx context.Context) {
			gw := gatewayOf("restarted", `{clusterIds: [local], ports: [{name: http, port: 80}]}`)
			expectApplied(ctx, gw)
			expectReady(ctx, gw)
			kubectl(ctx, "rollout", "restart", "deployment/istio-restarted")
			generation := expectExists(ctx, gw, &appsv1.Deployment{}).Generation
			kubectl(ctx, "rollout", "status", "deployment/istio-restarted", "--timeout=60s")
			touch(ctx, gw, "restarted")
			expectReady(ctx, gw)
			deployment := expectExists(ctx, gw, &appsv1.Deployment{})
			Expect(deployment.Generation).To(Equal(generation))
			Expect(deployment.Spec.Template.Annotations).To(HaveKey("kubectl.kubernetes.io/restartedAt"))
		})
	})
})
