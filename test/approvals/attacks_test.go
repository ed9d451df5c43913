package approvals_test

import (
	"context"
	"sync"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/api/v1alpha1"
)

// The guard is attacked by somebody who may edit gateways and make approvals, and by whoever helps them.
var _ = Describe("An attacker", func() {
	It("forges approvedBy: it becomes who really asked", func(ctx context.Context) {
		gw := newGateway(ctx)
		forged := approvalOf(ctx, gw, rooted)
		forged.Spec.ApprovedBy = &v1alpha1.Approver{Username: "dora", Groups: []string{"approvers"}, CredentialID: "X509SHA256=forged"}
		Expect(sentence(ann.Create(ctx, forged))).To(ContainSubstring("must be allowed the verb approve on istiogateways " + gw.Name + ", is not: ann"))
		Expect(bob.Create(ctx, forged)).To(Succeed())
		Expect(forged.Spec.ApprovedBy.Username).To(Equal("bob"))
		_, err := bob.patch(ctx, gw.Name, rooted)
		Expect(sentence(err)).To(ContainSubstring("it is by the author of the change"))
		expectRefused(ctx, gw, err)
	})

	It("forges the gateway's UID: it becomes that of the gateway", func(ctx context.Context) {
		gw := newGateway(ctx)
		forged := approvalOf(ctx, gw, rooted)
		forged.Spec.GatewayUID = "forged"
		Expect(bob.Create(ctx, forged)).To(Succeed())
		Expect(forged.Spec.GatewayUID).To(BeEquivalentTo(gw.UID))
	})

	It("forges the status of an approval: it is dropped", func(ctx context.Context) {
		gw := newGateway(ctx)
		forged := approvalOf(ctx, gw, rooted)
		forged.Status.UsedBy = &v1alpha1.ApprovalUse{UID: "forged"}
		Expect(bob.Create(ctx, forged)).To(Succeed())
		Expect(forged.Status.UsedBy).To(BeNil())
	})

	It("forges the gateway's annotations: both are put back", func(ctx context.Context) {
		gw := newGateway(ctx)
		forgery := `{"metadata":{"annotations":{"portcullis.dev/approved-by":"mine","portcullis.dev/admitted":"sha256:mine"}}}`
		_, err := ann.patch(ctx, gw.Name, forgery)
		Expect(err).NotTo(HaveOccurred())
		Expect(stored(ctx, gw.Name).Annotations).To(Equal(gw.Annotations))
		_, err = ann.patch(ctx, gw.Name, `{"metadata":{"annotations":{"portcullis.dev/approved-by":"mine"}},"spec":{"runAsRoot":true}}`)
		expectRefused(ctx, gw, err)
	})

	It("takes the gateway's annotations away: both are put back, and a used approval stays used", func(ctx context.Context) {
		gw := newGateway(ctx)
		approval := bob.approve(ctx, gw, rooted)
		_, err := ann.patch(ctx, gw.Name, rooted)
		Expect(err).NotTo(HaveOccurred())
		_, err = ann.patch(ctx, gw.Name, `{"metadata":{"annotations":null}}`)
		Expect(err).NotTo(HaveOccurred())
		Expect(approvedBy(ctx, gw.Name)).To(Equal(approval.Name))
		expectAdmitted(ctx, gw.Name)
	})

	It("approves their own change", func(ctx context.Context) {
		gw := newGateway(ctx)
		bob.approve(ctx, gw, rooted)
		_, err := bob.patch(ctx, gw.Name, rooted)
		Expect(sentence(err)).To(ContainSubstring("it is by the author of the change"))
		expectRefused(ctx, gw, err)
	})

	It("impersonates an approver: the approval is refused", func(ctx context.Context) {
		gw := newGateway(ctx)
		err := eve.as("bob", "editors", "approvers").Create(ctx, approvalOf(ctx, gw, rooted))
		Expect(sentence(err)).To(ContainSubstring("must be somebody who may approve, is bob: it is by somebody whose credential the API server does not know"))
		_, err = eve.patch(ctx, gw.Name, rooted)
		expectRefused(ctx, gw, err)
	})

	It("impersonates a service account that may approve: the approval is refused", func(ctx context.Context) {
		gw := newGateway(ctx)
		err := eve.as("system:serviceaccount:istio-system:robot", "editors", "approvers").Create(ctx, approvalOf(ctx, gw, rooted))
		Expect(sentence(err)).To(ContainSubstring("it is by a service account"))
	})

	It("approves, then impersonates another author: the change is refused", func(ctx context.Context) {
		gw := newGateway(ctx)
		bob.approve(ctx, gw, rooted)
		_, err := eve.as("ann", "editors").patch(ctx, gw.Name, rooted)
		Expect(sentence(err)).To(ContainSubstring("none counts for one whose credential the API server does not know"))
		expectRefused(ctx, gw, err)
	})

	It("has a second account with the same name in the group of those who approve", func(ctx context.Context) {
		gw := newGateway(ctx)
		otherAnn.approve(ctx, gw, rooted)
		_, err := ann.patch(ctx, gw.Name, rooted)
		Expect(sentence(err)).To(ContainSubstring("it is by the author of the change"))
		expectRefused(ctx, gw, err)
	})

	It("goes back and forth before the use is recorded: one approval lets one change in", func(ctx context.Context) {
		gw := newGateway(ctx)
		bob.approve(ctx, gw, rooted)
		_, err := ann.patch(ctx, gw.Name, rooted)
		Expect(err).NotTo(HaveOccurred())
		there := stored(ctx, gw.Name)
		bob.approve(ctx, there, rootless)
		_, err = ann.patch(ctx, gw.Name, rootless)
		Expect(err).NotTo(HaveOccurred())
		back := stored(ctx, gw.Name)
		Expect(back.Spec).To(Equal(gw.Spec))
		_, err = ann.patch(ctx, gw.Name, rooted)
		Expect(sentence(err)).To(ContainSubstring("does not count: it was used"))
		expectRefused(ctx, back, err)
	})

	It("goes back and forth after the use is recorded", func(ctx context.Context) {
		gw := newGateway(ctx)
		bob.approve(ctx, gw, rooted)
		_, err := ann.patch(ctx, gw.Name, rooted)
		Expect(err).NotTo(HaveOccurred())
		used(ctx, gw.Name)
		bob.approve(ctx, stored(ctx, gw.Name), rootless)
		_, err = ann.patch(ctx, gw.Name, rootless)
		Expect(err).NotTo(HaveOccurred())
		used(ctx, gw.Name)
		_, err = ann.patch(ctx, gw.Name, `{"metadata":{"labels":{"edited":"afterwards"}}}`)
		Expect(err).NotTo(HaveOccurred())
		Expect(approvedBy(ctx, gw.Name)).To(BeEmpty(), "what is recorded need not be named any more")
		back := stored(ctx, gw.Name)
		_, err = ann.patch(ctx, gw.Name, rooted)
		Expect(sentence(err)).To(ContainSubstring("does not count: it was used"))
		expectRefused(ctx, back, err)
	})

	It("deletes the gateway and makes it again under the same name", func(ctx context.Context) {
		gw := newGateway(ctx)
		approval := bob.approve(ctx, gw, rooted)
		Expect(ann.Delete(ctx, gw.DeepCopy())).To(Succeed())
		again := gw.DeepCopy()
		again.ResourceVersion, again.UID = "", ""
		Expect(ann.Create(ctx, again)).To(Succeed())
		_, err := ann.patch(ctx, gw.Name, rooted)
		Expect(sentence(err)).To(ContainSubstring(approval.Name + " does not count: it is for an earlier gateway of this name"))
		expectRefused(ctx, stored(ctx, gw.Name), err)
	})

	It("burns an approval by a dry run: nothing is used up", func(ctx context.Context) {
		gw := newGateway(ctx)
		approval := bob.approve(ctx, gw, rooted)
		rehearsed, err := carl.patch(ctx, gw.Name, rooted, client.DryRunAll)
		Expect(err).NotTo(HaveOccurred())
		Expect(rehearsed.Annotations).To(HaveKeyWithValue("portcullis.dev/approved-by", approval.Name), "the answer shows what would be")
		Expect(stored(ctx, gw.Name)).To(Equal(gw), "and nothing is stored")
		_, err = ann.patch(ctx, gw.Name, rooted)
		Expect(err).NotTo(HaveOccurred())
		Expect(approvedBy(ctx, gw.Name)).To(Equal(approval.Name))
	})

	It("adds two half approvals up", func(ctx context.Context) {
		gw := newGateway(ctx)
		bob.approve(ctx, gw, rooted)
		env := `{"spec":{"env":[{"name":"A","value":"b"}]}}`
		dora.approve(ctx, gw, env)
		_, err := ann.patch(ctx, gw.Name, `{"spec":{"runAsRoot":true,"env":[{"name":"A","value":"b"}]}}`)
		Expect(sentence(err)).To(ContainSubstring("must be approved by somebody other than ann"))
		expectRefused(ctx, gw, err)
	})

	It("races: of many who use one approval there and back at once, one gets in", func(ctx context.Context) {
		gw := newGateway(ctx)
		bob.approve(ctx, gw, rooted)
		var group sync.WaitGroup
		for _, who := range []*person{ann, carl, dora, ann, carl, dora} {
			group.Go(func() {
				defer GinkgoRecover()
				for range 5 {
					_, _ = who.patch(ctx, gw.Name, rooted)
					_, _ = who.patch(ctx, gw.Name, rootless)
				}
			})
		}
		group.Wait()
		after := stored(ctx, gw.Name)
		Expect(after.Generation).To(Equal(gw.Generation+1), "one change of the spec, and no way back without another approval")
		Expect(*after.Spec.RunAsRoot).To(BeTrue())
		expectAdmitted(ctx, gw.Name)
	})
})

// Every way to write a gateway, with a change that restarts pods in it.
var _ = DescribeTable("An attacker smuggles a restart in through",
	func(ctx context.Context, smuggle func(context.Context, string) error) {
		gw := newGateway(ctx, `{clusterIds: [c1, c2], serviceType: ClusterIP, ports: [{name: http, port: 8080}],
		  resources: {requests: {cpu: 500m, memory: 512Mi}, limits: {cpu: "1", memory: 1Gi}}}`)
		err := smuggle(ctx, gw.Name)
		Expect(sentence(err)).To(ContainSubstring("restart_approval: "))
		expectRefused(ctx, gw, err)
	},
	Entry("overrides", func(ctx context.Context, name string) error {
		_, err := ann.patch(ctx, name, `{"spec":{"overrides":{"c2":{"podAnnotations":{"a":"b"}}}}}`)
		return err
	}),
	Entry("a field that is unset, and then gets its default", func(ctx context.Context, name string) error {
		_, err := ann.patch(ctx, name, `{"spec":{"resources":null}}`)
		return err
	}),
	Entry("metadata.annotations", func(ctx context.Context, name string) error {
		_, err := ann.patch(ctx, name, `{"metadata":{"annotations":{"asm.alibabacloud.com/gateway-drain-timeout-seconds":"100"}}}`)
		return err
	}),
	Entry("the version v1 of the API", func(ctx context.Context, name string) error {
		return ann.Patch(ctx, parse(`{apiVersion: istio.alibabacloud.com/v1, kind: IstioGateway, metadata: {namespace: istio-system, name: `+name+`}}`),
			client.RawPatch(types.MergePatchType, []byte(rooted)))
	}),
	Entry("a server-side apply", func(ctx context.Context, name string) error {
		return ann.Apply(ctx, client.ApplyConfigurationFromUnstructured(parse(`{apiVersion: istio.alibabacloud.com/v1beta1, kind: IstioGateway,
		  metadata: {namespace: istio-system, name: `+name+`}, spec: {runAsRoot: true}}`)), client.FieldOwner("smuggler"), client.ForceOwnership)
	}),
	Entry("a JSON patch", func(ctx context.Context, name string) error {
		return ann.Patch(ctx, stored(ctx, name), client.RawPatch(types.JSONPatchType, []byte(`[{"op":"add","path":"/spec/runAsRoot","value":true}]`)))
	}),
	Entry("kubectl replace", func(ctx context.Context, name string) error {
		gw := stored(ctx, name)
		gw.SetGroupVersionKind(v1beta1.GroupVersion.WithKind("IstioGateway"))
		gw.Spec.RunAsRoot = new(true)
		return ann.kubectl(ctx, asJSON(gw), "replace", "-f", "-")
	}),
	Entry("kubectl replace without what was filled in", func(ctx context.Context, name string) error {
		return ann.kubectl(ctx, `{apiVersion: istio.alibabacloud.com/v1beta1, kind: IstioGateway, metadata: {namespace: istio-system, name: `+name+`},
		  spec: {clusterIds: [c1, c2], serviceType: ClusterIP, ports: [{name: http, port: 8080}]}}`, "replace", "-f", "-")
	}),
)

var _ = Describe("An attacker who may write the status", func() {
	It("changes nothing that runs through it", func(ctx context.Context) {
		gw := newGateway(ctx)
		changed := stored(ctx, gw.Name)
		changed.Spec.RunAsRoot = new(true)
		changed.Annotations["portcullis.dev/admitted"] = "sha256:forged"
		changed.Status.Status = "Running"
		Expect(admin.Status().Update(ctx, changed)).To(Succeed())
		after := stored(ctx, gw.Name)
		Expect(after.Spec).To(Equal(gw.Spec))
		Expect(after.Annotations).To(Equal(gw.Annotations))
		Expect(after.Status.Status).To(Equal("Running"))
	})
})
