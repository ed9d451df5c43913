package admission_test

import (
	"context"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// oldSinnerThatLingers was stored before there was a guard, and is being deleted for long.
const oldSinnerThatLingers = `{
  apiVersion: istio.alibabacloud.com/v1beta1, kind: IstioGateway,
  metadata: {name: lingering, namespace: istio-system, finalizers: [example.com/first, example.com/last]},
  spec: {clusterIds: [nowhere], kernel: {enabled: true, parameters: {vm.swappiness: "10"}}}}`

var _ = Describe("A gateway that is being deleted", Ordered, func() {
	const sin = "kernel_parameters: spec.kernel.parameters.vm.swappiness: "
	key := client.ObjectKey{Namespace: namespace, Name: "lingering"}

	BeforeAll(func(ctx context.Context) {
		Expect(admin.Delete(ctx, parse(oldSinnerThatLingers))).To(Succeed())
	})

	for what, patch := range map[string]string{
		"a label":                             `{"metadata":{"labels":{"team":"edge"}}}`,
		"an annotation":                       `{"metadata":{"annotations":{"team":"edge"}}}`,
		"the first of its finalizers removed": `{"metadata":{"finalizers":["example.com/last"]}}`,
		"a change that is no sin":             `{"spec":{"replicaCount":2}}`,
	} {
		It("takes "+what, func(ctx context.Context) {
			warnings.take()
			Expect(patched(ctx, "lingering", patch)).To(Succeed())
			Expect(warnings.take()).To(ContainElement(HavePrefix(sin)))
		})
	}

	It("takes a status", func(ctx context.Context) {
		gateway := parse(gatewayYAML("lingering", "{}"))
		Expect(admin.Status().Patch(ctx, gateway, client.RawPatch(types.MergePatchType, []byte(`{"status":{"Status":"Deleting"}}`)))).To(Succeed())
	})

	It("can be deleted again", func(ctx context.Context) {
		Expect(admin.Delete(ctx, parse(oldSinnerThatLingers))).To(Succeed())
	})

	for what, patch := range map[string]string{
		"its old sin, made another":  `{"spec":{"kernel":{"parameters":{"vm.swappiness":"20"}}}}`,
		"a new sin beside the old":   `{"spec":{"kernel":{"parameters":{"kernel.printk":"4"}}}}`,
		"a cluster that is nowhere":  `{"spec":{"clusterIds":["nowhere","elsewhere"]}}`,
		"an override for no cluster": `{"spec":{"overrides":{"c1":{"replicaCount":2}}}}`,
	} {
		It("is still judged for "+what, func(ctx context.Context) {
			err := patched(ctx, "lingering", patch)
			Expect(apierrors.IsForbidden(err)).To(BeTrue(), "%v", err)
		})
	}

	It("is filled in by nobody, and goes when its last finalizer is removed", func(ctx context.Context) {
		gateway := parse(gatewayYAML("lingering", "{}"))
		Expect(admin.Get(ctx, key, gateway)).To(Succeed())
		Expect(specOf(gateway)).NotTo(HaveKey("serviceType"))
		Expect(patched(ctx, "lingering", `{"metadata":{"finalizers":null}}`)).To(Succeed())
		Expect(apierrors.IsNotFound(admin.Get(ctx, key, gateway))).To(BeTrue())
	})
})

var _ = Describe("A new gateway", func() {
	It("is judged for what an old one is forgiven", func(ctx context.Context) {
		err := create(ctx, strings.Replace(oldSinner, "name: sinner", "name: newcomer", 1))
		Expect(apierrors.IsForbidden(err)).To(BeTrue(), "%v", err)
	})
})
