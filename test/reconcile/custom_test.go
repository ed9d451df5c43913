package reconcile_test

import (
	"context"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/gateway"
	"portcullis.dev/portcullis/test/env"
)

// customs are a gateway's objects of other projects' kinds, empty, in the order of env.ForeignKinds.
func customs(gateway string) []*unstructured.Unstructured {
	var out []*unstructured.Unstructured
	for _, kind := range env.ForeignKinds() {
		object := &unstructured.Unstructured{}
		object.SetGroupVersionKind(kind)
		object.SetNamespace(namespace)
		object.SetName("istio-" + gateway)
		if kind.Kind == "Gateway" {
			object.SetName(gateway)
		}
		out = append(out, object)
	}
	return out
}

// inside reads a field of an object as it is stored.
func inside(ctx context.Context, object *unstructured.Unstructured, path ...string) any {
	if err := admin.Get(ctx, client.ObjectKeyFromObject(object), object); err != nil {
		return err.Error()
	}
	value, _, err := unstructured.NestedFieldNoCopy(object.Object, path...)
	if err != nil {
		return err.Error()
	}
	return value
}

const withCustoms = `{clusterIds: [local], ports: [{name: http, port: 80}], compression: {enabled: true, gzip: {}}, autoCreateGatewayYaml: true}`

var _ = Describe("An object of another project's kind", func() {
	var gw *v1beta1.IstioGateway
	start := func(ctx context.Context, name string) []*unstructured.Unstructured {
		GinkgoHelper()
		gw = gatewayOf(name, withCustoms)
		gw.Annotations = map[string]string{gateway.AnnotationIssuer: "ours", gateway.AnnotationTLSHosts: name + ".example.com"}
		expectApplied(ctx, gw)
		expectReady(ctx, gw)
		objects := customs(name)
		for _, object := range objects {
			Expect(inside(ctx, object, "metadata", "labels", "portcullis.dev/gateway")).To(Equal(name))
		}
		return objects
	}

	It("is applied, is in the inventory, and is left alone while nothing changes", func(ctx context.Context) {
		objects := start(ctx, "filtered")
		Expect(gw.Status.Clusters[0].Objects).To(ContainElements(
			v1beta1.ObjectReference{APIVersion: "networking.istio.io/v1alpha3", Kind: "EnvoyFilter", Name: "istio-filtered"},
			v1beta1.ObjectReference{APIVersion: "networking.istio.io/v1", Kind: "Gateway", Name: "filtered"},
			v1beta1.ObjectReference{APIVersion: "cert-manager.io/v1", Kind: "Certificate", Name: "istio-filtered"},
		))
		for _, object := range objects {
			version := object.GetResourceVersion()
			Consistently(inside).WithArguments(ctx, object, "metadata", "resourceVersion").Should(Equal(version))
		}
	})

	It("is put right when somebody changes or deletes it", func(ctx context.Context) {
		objects := start(ctx, "mended")
		patch := client.RawPatch("application/merge-patch+json", []byte(`{"spec":{"workloadSelector":{"labels":{"app":"theirs"}}}}`))
		Expect(admin.Patch(ctx, objects[0], patch)).To(Succeed())
		Eventually(inside).WithArguments(ctx, objects[0], "spec", "workloadSelector", "labels", "app").Should(Equal("istio-mended"))
		Eventually(notes).WithArguments(ctx, gw, "DriftCorrected").Should(ContainElement(HavePrefix("Corrected EnvoyFilter istio-mended in cluster local")))
		before := objects[1].GetUID()
		Expect(admin.Delete(ctx, objects[1])).To(Succeed())
		Eventually(inside).WithArguments(ctx, objects[1], "metadata", "uid").Should(And(Not(Equal(string(before))), HaveLen(36), Not(BeEmpty())))
	})

	It("goes when the field goes that asks for it", func(ctx context.Context) {
		objects := start(ctx, "shrunk")
		expectChanged(ctx, gw, func(gw *v1beta1.IstioGateway) {
			gw.Spec.Compression, gw.Spec.AutoCreateGatewayYaml = nil, nil
			delete(gw.Annotations, gateway.AnnotationTLSHosts)
		})
		for _, object := range objects {
			Eventually(gone).WithArguments(ctx, object).Should(BeTrue(), object.GetKind())
		}
		Eventually(func(g Gomega) {
			g.Expect(admin.Get(ctx, client.ObjectKeyFromObject(gw), gw)).To(Succeed())
			g.Expect(gw.Status.Clusters[0].Objects).NotTo(ContainElement(HaveField("APIVersion", HavePrefix("networking.istio.io"))))
		}).Should(Succeed())
		expectReady(ctx, gw)
	})

	It("goes with the gateway", func(ctx context.Context) {
		objects := start(ctx, "unfiltered")
		Expect(admin.Delete(ctx, gw)).To(Succeed())
		Eventually(gone).WithArguments(ctx, gw).Should(BeTrue())
		for _, object := range objects {
			Expect(gone(ctx, object)).To(BeTrue(), object.GetKind())
		}
	})

	It("keeps a deleted gateway until whoever holds it lets it go", func(ctx context.Context) {
		objects := start(ctx, "gripped")
		hold := client.RawPatch("application/merge-patch+json", []byte(`{"metadata":{"finalizers":["example.com/keep"]}}`))
		Expect(admin.Patch(ctx, objects[0], hold)).To(Succeed())
		Expect(admin.Delete(ctx, gw)).To(Succeed())
		Eventually(inside).WithArguments(ctx, objects[0], "metadata", "deletionTimestamp").ShouldNot(BeNil())
		Consistently(gone).WithArguments(ctx, gw).Should(BeFalse())
		release := client.RawPatch("application/merge-patch+json", []byte(`{"metadata":{"finalizers":null}}`))
		Expect(admin.Patch(ctx, objects[0], release)).To(Succeed())
		Eventually(gone).WithArguments(ctx, gw).Should(BeTrue())
	})

	It("is left alone when it is somebody else's", func(ctx context.Context) {
		theirs := customs("usurped")[1]
		theirs.Object["spec"] = map[string]any{"selector": map[string]any{"app": "theirs"}}
		Expect(admin.Create(ctx, theirs)).To(Succeed())
		DeferCleanup(func(ctx context.Context) { Expect(admin.Delete(ctx, theirs)).To(Succeed()) })
		gw := gatewayOf("usurped", withCustoms)
		expectApplied(ctx, gw)
		Eventually(conditionOf).WithArguments(ctx, gw, v1beta1.ConditionReconciled).Should(Equal("False ClusterFailed"))
		Expect(gw.Status.ErrorMessage).To(ContainSubstring("Gateway istio-system/usurped: it exists and is not this gateway's"))
		Eventually(gone).WithArguments(ctx, customs("usurped")[0]).Should(BeFalse(), "the other objects are applied all the same")
		Expect(inside(ctx, theirs, "spec", "selector", "app")).To(Equal("theirs"))
		Expect(admin.Delete(ctx, gw)).To(Succeed())
		Eventually(gone).WithArguments(ctx, gw).Should(BeTrue())
		Expect(gone(ctx, theirs)).To(BeFalse())
	})
})
