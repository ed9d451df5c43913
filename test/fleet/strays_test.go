package fleet_test

import (
	"context"
	"fmt"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	eventsv1 "k8s.io/api/events/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/api/v1alpha1"
	"portcullis.dev/portcullis/test/env"
)

// strayAt makes an object that says to be of a gateway in a cluster, at the control plane of that cluster.
func strayAt(ctx context.Context, at member, kind schema.GroupVersionKind, name, id, uid string) *unstructured.Unstructured {
	GinkgoHelper()
	object := &unstructured.Unstructured{}
	object.SetGroupVersionKind(kind)
	object.SetNamespace(namespace)
	object.SetName("istio-" + name)
	object.SetLabels(map[string]string{"portcullis.dev/gateway": name, "portcullis.dev/gateway-uid": uid, "portcullis.dev/cluster": id})
	Expect(at.admin.Create(ctx, object)).To(Succeed())
	return object
}

// isAt says whether an object is at a cluster's control plane still.
func isAt(ctx context.Context, at member, object *unstructured.Unstructured) bool {
	return at.admin.Get(ctx, client.ObjectKeyFromObject(object), object.DeepCopy()) == nil
}

// toldOf are the sentences of the events of a cluster of one reason.
func toldOf(ctx context.Context, id, reason string) []string {
	list := &eventsv1.EventList{}
	if err := hub.List(ctx, list); err != nil {
		return []string{err.Error()}
	}
	var out []string
	for _, event := range list.Items {
		if event.Regarding.Name == id && event.Reason == reason {
			out = append(out, event.Note)
		}
	}
	return out
}

var _ = Describe("What a gateway left behind of kinds that are not watched", Ordered, Serial, func() {
	// straysAgain is how often they are looked for, as the suite's controller looks at what is not watched each second.
	const straysAgain = 45 * time.Second
	const unknown = "0d5f1f8e-1111-4222-8333-99990000aaaa"

	BeforeAll(func() {
		Expect(spare.plane.InstallKinds(env.ForeignKinds()...)).To(Succeed())
		DeferCleanup(func() { Expect(spare.plane.RemoveKinds(env.ForeignKinds()...)).To(Succeed()) })
	})

	It("goes when it is the gateway's own, and is told of when nobody knows its gateway", func(ctx context.Context) {
		gw := expectApplied(ctx, "strayed", `{clusterIds: [east], ports: [{name: http, port: 80}]}`)
		Eventually(entryOf).WithArguments(ctx, gw, "east").Should(HaveField("ObservedGeneration", gw.Generation))
		var own, others []*unstructured.Unstructured
		for _, kind := range env.ForeignKinds() {
			own = append(own, strayAt(ctx, spare, kind, "strayed", "littered", string(gw.UID)))
			others = append(others, strayAt(ctx, spare, kind, "unheard-of", "littered", unknown))
		}
		mislabelled := strayAt(ctx, spare, env.ForeignKinds()[0], "elsewhere", "east", string(gw.UID))

		By("connecting the cluster")
		expectRegistered(ctx, "littered", kubeconfig(spare, spare.wire))
		for _, object := range own {
			Eventually(isAt).WithArguments(ctx, spare, object).Should(BeFalse())
		}
		Eventually(toldOf).WithArguments(ctx, "littered", "OrphansRemoved").Should(ContainElement(
			"Removed 3 objects from cluster littered that IstioGateway istio-system/strayed had left there"))
		Eventually(toldOf).WithArguments(ctx, "littered", "OrphansFound").Should(ContainElement(
			And(HavePrefix("Left 3 objects in cluster littered alone"), ContainSubstring(unknown))))
		for _, object := range append(others, mislabelled) {
			Consistently(isAt).WithArguments(ctx, spare, object).Should(BeTrue())
		}

		By("removing it on request")
		swept := client.RawPatch("application/merge-patch+json", fmt.Appendf(nil, `{"metadata":{"annotations":{"portcullis.dev/sweep":%q}}}`, unknown))
		registered := &v1alpha1.GatewayCluster{}
		registered.Name = "littered"
		Expect(hub.Patch(ctx, registered, swept)).To(Succeed())
		for _, object := range others {
			Eventually(isAt).WithArguments(ctx, spare, object).Should(BeFalse())
		}
		Expect(isAt(ctx, spare, mislabelled)).To(BeTrue(), "it says to be somewhere else")
	})

	It("is found later too, and not where the gateway is", func(ctx context.Context) {
		expectRegistered(ctx, "tidy", kubeconfig(spare, spare.wire))
		gw := expectApplied(ctx, "tidied", `{clusterIds: [west], ports: [{name: http, port: 80}]}`)
		stays := expectApplied(ctx, "compressed", `{clusterIds: [tidy], ports: [{name: http, port: 80}], compression: {enabled: true, gzip: {}}}`)
		Eventually(entryOf).WithArguments(ctx, stays, "tidy").Should(HaveField("ObservedGeneration", stays.Generation))
		filter := &unstructured.Unstructured{}
		filter.SetGroupVersionKind(env.ForeignKinds()[0])
		filter.SetNamespace(namespace)
		filter.SetName("istio-compressed")
		Expect(isAt(ctx, spare, filter)).To(BeTrue())
		late := strayAt(ctx, spare, env.ForeignKinds()[2], "tidied", "tidy", string(gw.UID))
		Eventually(isAt).WithArguments(ctx, spare, late).WithTimeout(2 * straysAgain).Should(BeFalse())
		Consistently(isAt).WithArguments(ctx, spare, filter).Should(BeTrue())
		Expect(entryOf(ctx, stays, "tidy").State).To(Equal(v1beta1.ClusterApplied))
		Expect(hub.Delete(ctx, stays)).To(Succeed())
		Eventually(gone).WithArguments(ctx, stays).Should(BeTrue())
	})
})
