package reconcile_test

import (
	"context"
	"fmt"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"portcullis.dev/portcullis/pkg/api/v1alpha1"
	"portcullis.dev/portcullis/pkg/reconcile"
)

// toldOf are the sentences of the events of a cluster of one reason.
func toldOf(ctx context.Context, cluster, reason string) []string {
	list := &eventsv1.EventList{}
	if err := admin.List(ctx, list); err != nil {
		return []string{err.Error()}
	}
	var out []string
	for _, event := range list.Items {
		if event.Regarding.Name == cluster && event.Reason == reason {
			out = append(out, event.Note)
		}
	}
	return out
}

// leftBehind makes a Service that says to be of a gateway, without any gateway that made it.
func leftBehind(ctx context.Context, name, uid string) *corev1.Service {
	GinkgoHelper()
	service := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "istio-" + name, Labels: map[string]string{
			"portcullis.dev/gateway": name, "portcullis.dev/gateway-uid": uid, "portcullis.dev/cluster": "local",
		}},
		Spec: corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 80}}},
	}
	Expect(admin.Create(ctx, service)).To(Succeed())
	return service
}

var _ = Describe("What a gateway left behind", func() {
	It("goes when it is the gateway's own, and is told of when nobody knows its gateway (envoyproxy/gateway#4792)", func(ctx context.Context) {
		By("making a gateway nowhere, that has left something in a cluster")
		mover := gatewayOf("forgetful", `{clusterIds: [nowhere], ports: [{name: http, port: 80}]}`)
		expectApplied(ctx, mover)
		Eventually(func() []string {
			Expect(admin.Get(ctx, client.ObjectKeyFromObject(mover), mover)).To(Succeed())
			return mover.Finalizers
		}).Should(ConsistOf(reconcile.Finalizer))
		own := leftBehind(ctx, "forgetful", string(mover.UID))
		Eventually(gone).WithArguments(ctx, own).Should(BeTrue())
		Eventually(toldOf).WithArguments(ctx, "local", "OrphansRemoved").Should(ContainElement(
			"Removed 1 objects from cluster local that IstioGateway istio-system/forgetful had left there"))

		By("leaving what another control plane may have made")
		const uid = "0d5f1f8e-1111-4222-8333-444455556666"
		unknown := leftBehind(ctx, "unheard-of", uid)
		Eventually(toldOf).WithArguments(ctx, "local", "OrphansFound").Should(HaveExactElements(ContainSubstring(uid)))
		Consistently(gone).WithArguments(ctx, unknown).Should(BeFalse())
		Expect(toldOf(ctx, "local", "OrphansFound")).To(HaveLen(1))

		By("removing it on request")
		local := &v1alpha1.GatewayCluster{ObjectMeta: metav1.ObjectMeta{Name: "local"}}
		swept := client.RawPatch("application/merge-patch+json", fmt.Appendf(nil, `{"metadata":{"annotations":{"portcullis.dev/sweep":%q}}}`, uid))
		Expect(admin.Patch(ctx, local, swept)).To(Succeed())
		Eventually(gone).WithArguments(ctx, unknown).Should(BeTrue())
	})

	It("stays when the gateway of its name is another one", func(ctx context.Context) {
		gw := gatewayOf("namesake", `{clusterIds: [nowhere], ports: [{name: http, port: 80}]}`)
		expectApplied(ctx, gw)
		other := leftBehind(ctx, "namesake", "0d5f1f8e-1111-4222-8333-777788889999")
		DeferCleanup(func(ctx context.Context) { Expect(admin.Delete(ctx, other)).To(Succeed()) })
		Eventually(toldOf).WithArguments(ctx, "local", "OrphansFound").Should(ContainElement(ContainSubstring("777788889999")))
		Consistently(gone).WithArguments(ctx, other).Should(BeFalse())
		Expect(gone(ctx, &appsv1.Deployment{ObjectMeta: other.ObjectMeta})).To(BeTrue())
	})
})
