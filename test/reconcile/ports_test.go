package reconcile_test

import (
	"context"
	"fmt"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
)

// portsOf are the names of a Service's ports, by number and protocol.
func portsOf(service *corev1.Service) map[string]string {
	out := map[string]string{}
	for _, port := range service.Spec.Ports {
		out[portKey(port)] = port.Name
	}
	return out
}

// portKey is what an API server knows a port by.
func portKey(port corev1.ServicePort) string {
	return fmt.Sprintf("%d/%s", port.Port, port.Protocol)
}

// watched watches a gateway's Service from now on, until the spec ends.
func watched(ctx context.Context, gw *v1beta1.IstioGateway) <-chan watch.Event {
	GinkgoHelper()
	watching, err := client.NewWithWatch(plane.Config, client.Options{Scheme: admin.Scheme()})
	Expect(err).NotTo(HaveOccurred())
	list := &corev1.ServiceList{}
	Expect(admin.List(ctx, list, client.InNamespace(namespace))).To(Succeed())
	events, err := watching.Watch(ctx, &corev1.ServiceList{}, client.InNamespace(namespace),
		client.MatchingFields{"metadata.name": "istio-" + gw.Name}, &client.ListOptions{Raw: &metav1.ListOptions{ResourceVersion: list.ResourceVersion}})
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(events.Stop)
	return events.ResultChan()
}

// seenSoFar are the versions of a Service that a watch has told of, and nothing else.
func seenSoFar(events <-chan watch.Event) []*corev1.Service {
	GinkgoHelper()
	var out []*corev1.Service
	for {
		select {
		case event := <-events:
			Expect(event.Type).To(Equal(watch.Modified))
			service, ok := event.Object.(*corev1.Service)
			Expect(ok).To(BeTrue())
			out = append(out, service)
		default:
			return out
		}
	}
}

var _ = Describe("Ports of a Service that somebody changes past the guard", func() {
	stated := map[string]string{"80/TCP": "http", "443/TCP": "https"}

	DescribeTable("are put right, with every node port, and nothing else is gone for a moment",
		func(ctx context.Context, name, patch string) {
			gw := gatewayOf(name, `{clusterIds: [local], ports: [{name: http, port: 80}, {name: https, port: 443}]}`)
			expectApplied(ctx, gw)
			expectReady(ctx, gw)
			before := allocationOf(ctx, gw)
			Expect(before.nodePorts).NotTo(ContainElement(BeZero()))
			events := watched(ctx, gw)
			kubectl(ctx, "patch", "service", "istio-"+name, "--type=json", "-p", patch)

			Eventually(notes).WithArguments(ctx, gw, "DriftCorrected").Should(ContainElement(
				"Corrected Service istio-" + name + " in cluster local, which kubectl-patch had changed"))
			Eventually(func() map[string]string { return portsOf(expectExists(ctx, gw, &corev1.Service{})) }).Should(Equal(stated))
			Expect(allocationOf(ctx, gw)).To(Equal(before))
			for _, service := range seenSoFar(events) {
				Expect(service.Spec.Ports).To(ContainElement(And(HaveField("Port", int32(80)), HaveField("NodePort", before.nodePorts[80]))))
			}
			expectReady(ctx, gw)
		},
		Entry("by another number", "renumbered", `[{"op":"replace","path":"/spec/ports/1/port","value":8443}]`),
		Entry("by another protocol", "reprotocolled", `[{"op":"replace","path":"/spec/ports/1/protocol","value":"UDP"}]`),
		Entry("by another name, which another port gets", "renamed",
			`[{"op":"replace","path":"/spec/ports/1/name","value":"tls"},{"op":"add","path":"/spec/ports/-","value":{"name":"https","port":8443}}]`),
	)

	It("are put right where it was the only one, and it lost its name", func(ctx context.Context) {
		gw := gatewayOf("unnamed", `{clusterIds: [local], ports: [{name: http, port: 80}]}`)
		expectApplied(ctx, gw)
		expectReady(ctx, gw)
		kubectl(ctx, "patch", "service", "istio-unnamed", "--type=json", "-p", `[{"op":"replace","path":"/spec/ports","value":[{"port":8080}]}]`)
		Eventually(func() map[string]string { return portsOf(expectExists(ctx, gw, &corev1.Service{})) }).Should(Equal(map[string]string{"80/TCP": "http"}))
	})

	It("are put right where another one took the node port that the gateway asks for", func(ctx context.Context) {
		gw := gatewayOf("node-ported", `{clusterIds: [local], ports: [{name: http, port: 80, nodePort: 30080}, {name: https, port: 443}]}`)
		expectApplied(ctx, gw)
		expectReady(ctx, gw)
		before := allocationOf(ctx, gw)
		kubectl(ctx, "patch", "service", "istio-node-ported", "--type=json", "-p",
			`[{"op":"remove","path":"/spec/ports/0/nodePort"},{"op":"add","path":"/spec/ports/-","value":{"name":"debug","port":9000,"nodePort":30080}}]`)
		Eventually(func() allocated { return allocationOf(ctx, gw) }).Should(Equal(before))
	})

	It("stay where they are in nobody's way, and what was put right goes when the gateway says so", func(ctx context.Context) {
		gw := gatewayOf("shared", `{clusterIds: [local], ports: [{name: http, port: 80}, {name: https, port: 443}]}`)
		expectApplied(ctx, gw)
		expectReady(ctx, gw)
		kubectl(ctx, "patch", "service", "istio-shared", "--type=json", "-p",
			`[{"op":"add","path":"/spec/ports/-","value":{"name":"debug","port":9000}},{"op":"replace","path":"/spec/ports/1/port","value":8443}]`)
		ports := func() map[string]string { return portsOf(expectExists(ctx, gw, &corev1.Service{})) }
		Eventually(ports).Should(Equal(map[string]string{"80/TCP": "http", "443/TCP": "https", "9000/TCP": "debug"}))
		expectChanged(ctx, gw, func(gw *v1beta1.IstioGateway) { gw.Spec.Ports = gw.Spec.Ports[:1] })
		Eventually(ports).Should(Equal(map[string]string{"80/TCP": "http", "9000/TCP": "debug"}))
	})

	It("follow the gateway where somebody else states something of one that it renumbers", func(ctx context.Context) {
		gw := gatewayOf("half-owned", `{clusterIds: [local], ports: [{name: http, port: 80}, {name: https, port: 443}]}`)
		expectApplied(ctx, gw)
		expectReady(ctx, gw)
		kubectl(ctx, "patch", "service", "istio-half-owned", "--type=json", "-p", `[{"op":"replace","path":"/spec/ports/1/nodePort","value":30081}]`)
		expectChanged(ctx, gw, func(gw *v1beta1.IstioGateway) { gw.Spec.Ports[1].Port = 8443 })
		Eventually(func() map[int32]int32 { return allocationOf(ctx, gw).nodePorts }).Should(And(HaveLen(2), HaveKeyWithValue(int32(8443), int32(30081))))
	})

	It("wait, told of, while the gateway is paused", func(ctx context.Context) {
		gw := gatewayOf("waiting", `{clusterIds: [local], ports: [{name: http, port: 80}, {name: https, port: 443}]}`)
		expectApplied(ctx, gw)
		expectReady(ctx, gw)
		expectChanged(ctx, gw, paused("true"))
		Eventually(saysOf).WithArguments(ctx, gw, v1beta1.ConditionPaused).Should(HaveSuffix("nothing waits"))
		kubectl(ctx, "patch", "service", "istio-waiting", "--type=json", "-p", `[{"op":"replace","path":"/spec/ports/1/port","value":8443}]`)
		Eventually(saysOf).WithArguments(ctx, gw, v1beta1.ConditionPaused).Should(HaveSuffix("Cluster local: Service istio-waiting: spec.ports"))
		expectChanged(ctx, gw, paused(""))
		Eventually(func() map[string]string { return portsOf(expectExists(ctx, gw, &corev1.Service{})) }).Should(Equal(stated))
	})
})
