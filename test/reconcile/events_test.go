package reconcile_test

import (
	"context"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
)

// told counts how often each sentence was said of a gateway.
func told(ctx context.Context, gw *v1beta1.IstioGateway) map[string]int {
	GinkgoHelper()
	list := &eventsv1.EventList{}
	Expect(admin.List(ctx, list)).To(Succeed())
	out := map[string]int{}
	for _, event := range list.Items {
		if event.Regarding.Kind != "IstioGateway" || event.Regarding.UID != gw.UID {
			continue
		}
		out[event.Type+" "+event.Reason+": "+event.Note]++
		if event.Series != nil {
			out[event.Type+" "+event.Reason+": "+event.Note] += int(event.Series.Count) - 1
		}
	}
	return out
}

var _ = Describe("Events", func() {
	It("tell once what was created, and nothing when nothing happens", func(ctx context.Context) {
		gw := gatewayOf("told", `{clusterIds: [local], replicaCount: 2, ports: [{name: http, port: 80}]}`)
		expectApplied(ctx, gw)
		expectReady(ctx, gw)
		created := map[string]int{
			"Normal Created: Created ServiceAccount istio-told, Role istio-told, RoleBinding istio-told, Service istio-told, Deployment istio-told, " +
				"PodDisruptionBudget istio-told in cluster local": 1,
		}
		Eventually(told).WithArguments(ctx, gw).Should(Equal(created))

		By("looking again, for a reason that changes nothing")
		expectChanged(ctx, gw, func(gw *v1beta1.IstioGateway) { gw.Annotations = map[string]string{"example.com/note": "look"} })
		By("seeing what somebody else states beside us")
		service := expectExists(ctx, gw, &corev1.Service{})
		noted := client.RawPatch("application/merge-patch+json", []byte(`{"metadata":{"annotations":{"example.com/note":"ours"}}}`))
		Expect(admin.Patch(ctx, service, noted)).To(Succeed())
		Consistently(told).WithArguments(ctx, gw).Should(Equal(created))
	})

	It("tell of an update once, and of the object that changed alone", func(ctx context.Context) {
		gw := gatewayOf("retold", `{clusterIds: [local], ports: [{name: http, port: 80}]}`)
		expectApplied(ctx, gw)
		expectReady(ctx, gw)
		touch(ctx, gw, "once")
		Eventually(notes).WithArguments(ctx, gw, "Updated").Should(Equal([]string{"Updated Service istio-retold in cluster local"}))
		Consistently(notes).WithArguments(ctx, gw, "Updated").Should(HaveLen(1))
		Expect(notes(ctx, gw, "DriftCorrected")).To(BeEmpty())
	})
})
