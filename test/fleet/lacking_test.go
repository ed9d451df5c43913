package fleet_test

import (
	"context"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/gateway"
	"portcullis.dev/portcullis/test/env"
)

// filtersIn says whether a gateway has an EnvoyFilter in a cluster.
func filtersIn(ctx context.Context, id, name string) bool {
	filter := &unstructured.Unstructured{}
	filter.SetGroupVersionKind(env.ForeignKinds()[0])
	return fleet[id].admin.Get(ctx, client.ObjectKey{Namespace: namespace, Name: "istio-" + name}, filter) == nil
}

var _ = Describe("A cluster that lacks a kind", Ordered, Serial, func() {
	const compressed = `{clusterIds: [east, west], ports: [{name: http, port: 80}], compression: {enabled: true, gzip: {}}, autoCreateGatewayYaml: true}`
	var gw *v1beta1.IstioGateway

	BeforeAll(func() {
		Expect(fleet["east"].plane.InstallKinds(env.ForeignKinds()...)).To(Succeed())
	})

	It("is told, with the API server's words and what to install, and holds up nothing else", func(ctx context.Context) {
		gw = &v1beta1.IstioGateway{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "lacking", Annotations: map[string]string{
			gateway.AnnotationIssuer: "ours", gateway.AnnotationTLSHosts: "lacking.example.com",
		}}}
		Expect(yaml.UnmarshalStrict([]byte(compressed), &gw.Spec)).To(Succeed())
		Expect(hub.Create(ctx, gw)).To(Succeed())
		Eventually(conditionOf).WithArguments(ctx, gw, v1beta1.ConditionReconciled).Should(And(
			HavePrefix("False Cluster west: applying EnvoyFilter istio-system/istio-lacking: "),
			ContainSubstring("must have the kind EnvoyFilter of networking.istio.io/v1alpha3, has not: the server could not find the requested resource"),
			ContainSubstring("install Istio's CustomResourceDefinitions there, or take spec.compression out of the gateway"),
			ContainSubstring("must have the kind Gateway of networking.istio.io/v1, has not"),
			ContainSubstring("or take spec.autoCreateGatewayYaml out of the gateway"),
			ContainSubstring("must have the kind Certificate of cert-manager.io/v1, has not"),
			ContainSubstring("install cert-manager there, or take the annotation portcullis.dev/tls-hosts out of the gateway"),
			Not(ContainSubstring("east")),
		))
		Eventually(filtersIn).WithArguments(ctx, "east", "lacking").Should(BeTrue())
		Eventually(objectsIn).WithArguments(ctx, "west", "lacking").Should(HaveLen(3))
		Expect(entryOf(ctx, gw, "east").Message).To(BeEmpty())
	})

	It("does what else the gateway asks for meanwhile", func(ctx context.Context) {
		expectChanged(ctx, gw, func(gw *v1beta1.IstioGateway) { gw.Spec.ReplicaCount = new(int32(2)) })
		Eventually(replicasIn).WithArguments(ctx, "west", "lacking").Should(BeEquivalentTo(2))
		Eventually(entryOf).WithArguments(ctx, gw, "west").Should(HaveField("Replicas", int32(2)), "the pods are looked at all the same")
		for _, id := range []string{"east", "west"} {
			Eventually(entryOf).WithArguments(ctx, gw, id).Should(And(
				HaveField("ObservedGeneration", gw.Generation), HaveField("State", v1beta1.ClusterApplied), HaveField("Message", BeEmpty())))
		}
		Expect(entryOf(ctx, gw, "west").Lacking).To(HaveLen(3))
		Expect(entryOf(ctx, gw, "east").Lacking).To(BeEmpty())
		expectChanged(ctx, gw, func(gw *v1beta1.IstioGateway) { gw.Spec.Ports = nil })
		Eventually(objectsIn).WithArguments(ctx, "west", "lacking").Should(HaveLen(2), "the Service that is not wanted any more")
	})

	It("gets the object when the kind comes, without anybody doing more", func(ctx context.Context) {
		Expect(fleet["west"].plane.InstallKinds(env.ForeignKinds()...)).To(Succeed())
		Eventually(filtersIn).WithArguments(ctx, "west", "lacking").Should(BeTrue())
		Eventually(entryOf).WithArguments(ctx, gw, "west").Should(And(
			HaveField("Lacking", BeEmpty()), HaveField("ObservedGeneration", gw.Generation)))
		Eventually(conditionOf).WithArguments(ctx, gw, v1beta1.ConditionReconciled).Should(HavePrefix("True"))
	})

	It("is told in a pause too, where it would be in vain to wait for it", func(ctx context.Context) {
		Expect(fleet["west"].plane.RemoveKinds(env.ForeignKinds()...)).To(Succeed())
		expectChanged(ctx, gw, func(gw *v1beta1.IstioGateway) { gw.Annotations[gateway.AnnotationPaused] = "west" })
		Eventually(entryOf).WithArguments(ctx, gw, "west").Should(And(HaveField("Paused", true), HaveField("Lacking", HaveLen(2)), HaveField("Waiting", BeEmpty())))
		Expect(fleet["west"].plane.InstallKinds(env.ForeignKinds()...)).To(Succeed())
		expectChanged(ctx, gw, func(gw *v1beta1.IstioGateway) { delete(gw.Annotations, gateway.AnnotationPaused) })
		Eventually(filtersIn).WithArguments(ctx, "west", "lacking").Should(BeTrue())
		Eventually(conditionOf).WithArguments(ctx, gw, v1beta1.ConditionReconciled).Should(HavePrefix("True"))
	})

	It("says so again when the kind goes, with all its objects", func(ctx context.Context) {
		Expect(fleet["west"].plane.RemoveKinds(env.ForeignKinds()...)).To(Succeed())
		Eventually(conditionOf).WithArguments(ctx, gw, v1beta1.ConditionReconciled).Should(And(
			HavePrefix("False Cluster west: applying EnvoyFilter"), ContainSubstring("install Istio's CustomResourceDefinitions")))
	})

	It("does not keep a gateway from being deleted", func(ctx context.Context) {
		Expect(hub.Delete(ctx, gw)).To(Succeed())
		Eventually(gone).WithArguments(ctx, gw).Should(BeTrue())
		Expect(filtersIn(ctx, "east", "lacking")).To(BeFalse())
	})
})
