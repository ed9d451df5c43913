package admission_test

import (
	"context"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Gateways that were stored before there was a guard, and that it would refuse today.
const (
	oldSinner = `{
  apiVersion: istio.alibabacloud.com/v1beta1, kind: IstioGateway, metadata: {name: sinner, namespace: istio-system},
  spec: {clusterIds: [c8a4b2xxxxxx], kernel: {enabled: true, parameters: {vm.swappiness: "10"}}}}`
	oldSinnerOnItsWayOut = `{
  apiVersion: istio.alibabacloud.com/v1beta1, kind: IstioGateway,
  metadata: {name: leaving, namespace: istio-system, finalizers: [example.com/last]},
  spec: {clusterIds: [c8a4b2xxxxxx], kernel: {enabled: true, parameters: {vm.swappiness: "10"}}}}`
)

// patched patches a stored gateway.
func patched(ctx context.Context, name, patch string) error {
	gateway := parse(gatewayYAML(name, "{}"))
	return admin.Patch(ctx, gateway, client.RawPatch("application/merge-patch+json", []byte(patch)))
}

var _ = Describe("A gateway that was stored before the guard came", func() {
	BeforeEach(func() { warnings.take() })

	It("takes a label, with a warning", func(ctx context.Context) {
		Expect(patched(ctx, "sinner", `{"metadata":{"labels":{"team":"edge"}}}`)).To(Succeed())
		Expect(warnings.take()).To(ContainElement(HavePrefix("kernel_parameters: spec.kernel.parameters")))
	})

	It("takes a change that has nothing to do with its old sin", func(ctx context.Context) {
		Expect(patched(ctx, "sinner", `{"spec":{"replicaCount":2}}`)).To(Succeed())
		Expect(warnings.take()).To(ContainElement(HavePrefix("kernel_parameters: spec.kernel.parameters")))
	})

	It("refuses a change of the sin itself", func(ctx context.Context) {
		err := patched(ctx, "sinner", `{"spec":{"kernel":{"parameters":{"vm.swappiness":"20"}}}}`)
		Expect(apierrors.IsForbidden(err)).To(BeTrue(), "%v", err)
		Expect(sentence(err)).To(HavePrefix("kernel_parameters: "))
	})

	It("refuses a second sin beside the first, and names the second alone", func(ctx context.Context) {
		err := patched(ctx, "sinner", `{"spec":{"kernel":{"parameters":{"kernel.printk":"4"}}}}`)
		Expect(apierrors.IsForbidden(err)).To(BeTrue(), "%v", err)
		Expect(sentence(err)).To(ContainSubstring("kernel.printk"))
		Expect(sentence(err)).NotTo(ContainSubstring("vm.swappiness"))
	})

	It("takes a status", func(ctx context.Context) {
		gateway := parse(gatewayYAML("sinner", "{}"))
		Expect(admin.Status().Patch(ctx, gateway, client.RawPatch("application/merge-patch+json", []byte(`{"status":{"Status":"Running"}}`)))).To(Succeed())
	})

	It("can be deleted, and loses its finalizer on the way", func(ctx context.Context) {
		gateway := parse(oldSinnerOnItsWayOut)
		Expect(admin.Delete(ctx, gateway)).To(Succeed())
		err := patched(ctx, "leaving", `{"spec":{"kernel":{"parameters":{"kernel.printk":"4"}}}}`)
		Expect(apierrors.IsForbidden(err)).To(BeTrue(), "a changed spec is judged on the way out too: %v", err)
		Expect(patched(ctx, "leaving", `{"metadata":{"finalizers":null}}`)).To(Succeed())
		Expect(apierrors.IsNotFound(admin.Get(ctx, client.ObjectKeyFromObject(gateway), gateway))).To(BeTrue())
	})
})

var _ = Describe("A dry run", func() {
	It("is judged like the real thing, and stores nothing", func(ctx context.Context) {
		gateway := parse(gatewayYAML("rehearsed", `{clusterIds: [c8a4b2xxxxxx]}`))
		Expect(admin.Create(ctx, gateway, client.DryRunAll)).To(Succeed())
		replicas, _, err := unstructured.NestedInt64(gateway.Object, "spec", "replicaCount")
		Expect(err).NotTo(HaveOccurred())
		Expect(replicas).To(Equal(int64(1)), "the answer shows what would be filled in")
		Expect(apierrors.IsNotFound(admin.Get(ctx, client.ObjectKeyFromObject(gateway), gateway))).To(BeTrue())
		err = admin.Create(ctx, parse(gatewayYAML("rehearsed", `{clusterIds: [nowhere]}`)), client.DryRunAll)
		Expect(apierrors.IsForbidden(err)).To(BeTrue(), "%v", err)
	})
})
