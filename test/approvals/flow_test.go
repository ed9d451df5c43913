package approvals_test

import (
	"context"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/api/v1alpha1"
	"portcullis.dev/portcullis/pkg/gateway"
)

var _ = Describe("A change that restarts pods", func() {
	It("is refused with what it restarts, where, by which field, its digest, and how to ask", func(ctx context.Context) {
		gw := newGateway(ctx)
		_, err := ann.patch(ctx, gw.Name, rooted)
		digest := approvalOf(ctx, gw, rooted).Spec.Digest
		Expect(sentence(err)).To(Equal("restart_approval: spec.runAsRoot: must be approved by somebody other than ann, as (not set) -> true " +
			"restarts every pod in c1, c2, is not; digest " + digest +
			" (somebody else runs kubectl portcullis approve -n istio-system -f FILE --reason WHY; then do this again)"))
		expectRefused(ctx, gw, err)
	})

	It("goes in when somebody else approved it, an instant before", func(ctx context.Context) {
		gw := newGateway(ctx)
		approval := bob.approve(ctx, gw, rooted)
		_, err := ann.patch(ctx, gw.Name, rooted)
		Expect(err).NotTo(HaveOccurred())
		Expect(approvedBy(ctx, gw.Name)).To(Equal(approval.Name))
		expectAdmitted(ctx, gw.Name)
	})

	It("is one of another field, too, when another field changes beside it", func(ctx context.Context) {
		gw := newGateway(ctx)
		bob.approve(ctx, gw, rooted)
		_, err := ann.patch(ctx, gw.Name, `{"spec":{"runAsRoot":true,"replicaCount":2}}`)
		Expect(sentence(err)).To(ContainSubstring("does not count: it is for another change"))
		expectRefused(ctx, gw, err)
	})

	It("leaves edits free that restart nothing", func(ctx context.Context) {
		gw := newGateway(ctx)
		_, err := ann.patch(ctx, gw.Name, `{"metadata":{"labels":{"team":"edge"}},"spec":{"replicaCount":3}}`)
		Expect(err).NotTo(HaveOccurred())
		expectAdmitted(ctx, gw.Name)
	})
})

var _ = Describe("The deletion of a gateway", func() {
	const balanced = `{clusterIds: [c1], ports: [{name: http, port: 8080}]}`

	It("is free where there is no load balancer", func(ctx context.Context) {
		Expect(ann.Delete(ctx, newGateway(ctx))).To(Succeed())
	})

	It("is refused where an address would be lost, one by one or all together", func(ctx context.Context) {
		gw := newGateway(ctx, balanced)
		err := ann.Delete(ctx, gw)
		Expect(sentence(err)).To(HavePrefix("address_approval: metadata.name: must be approved by somebody other than ann, as deleting it releases"))
		Expect(sentence(err)).To(ContainSubstring("kubectl portcullis approve -n istio-system --delete " + gw.Name))
		expectRefused(ctx, gw, err)
		expectRefused(ctx, gw, oncall.Delete(ctx, gw))
		expectRefused(ctx, gw, admin.DeleteAllOf(ctx, &v1beta1.IstioGateway{}, client.InNamespace(namespace), client.MatchingFields{"metadata.name": gw.Name}))
	})

	It("is let in by an approval, and then nothing holds it up", func(ctx context.Context) {
		gw := newGateway(ctx, balanced)
		_, err := ann.patch(ctx, gw.Name, `{"metadata":{"finalizers":["example.com/last"]}}`)
		Expect(err).NotTo(HaveOccurred())
		approval := approvalBetween(ctx, stored(ctx, gw.Name), nil)
		Expect(bob.Create(ctx, approval)).To(Succeed())
		Expect(ann.Delete(ctx, gw)).To(Succeed())
		Expect(carl.Delete(ctx, gw)).To(Succeed(), "it is on its way out")
		_, err = carl.patch(ctx, gw.Name, `{"metadata":{"finalizers":null}}`)
		Expect(err).NotTo(HaveOccurred())
		Expect(apierrors.IsNotFound(admin.Get(ctx, client.ObjectKeyFromObject(gw), gw))).To(BeTrue())
	})

	It("is no way around for an edit that gives the address up", func(ctx context.Context) {
		gw := newGateway(ctx, balanced)
		_, err := ann.patch(ctx, gw.Name, `{"spec":{"serviceType":"ClusterIP","externalTrafficPolicy":null}}`)
		expectRefused(ctx, gw, err)
		_, err = ann.patch(ctx, gw.Name, `{"spec":{"clusterIds":["c2"]}}`)
		expectRefused(ctx, gw, err)
	})
})

var _ = Describe("Breaking the glass", func() {
	breaking := func(patch, reason string) string {
		return strings.Replace(patch, "{", `{"metadata":{"annotations":{"portcullis.dev/break-glass":"`+reason+`"}},`, 1)
	}

	It("lets somebody of the group do without an approval, for a reason, once", func(ctx context.Context) {
		gw := newGateway(ctx)
		_, err := oncall.patch(ctx, gw.Name, breaking(rooted, "the edge is down"))
		Expect(err).NotTo(HaveOccurred())
		expectAdmitted(ctx, gw.Name)
		gw = stored(ctx, gw.Name)
		_, err = oncall.patch(ctx, gw.Name, breaking(rootless, "the edge is down"))
		expectRefused(ctx, gw, err)
	})

	It("is for nobody else, and not without a reason", func(ctx context.Context) {
		gw := newGateway(ctx)
		_, err := bob.patch(ctx, gw.Name, breaking(rooted, "I am in a hurry"))
		Expect(sentence(err)).To(ContainSubstring("break_glass: metadata.annotations.portcullis.dev/break-glass: must be written by somebody of portcullis:break-glass, is by bob"))
		expectRefused(ctx, gw, err)
		_, err = oncall.patch(ctx, gw.Name, breaking(rooted, " "))
		expectRefused(ctx, gw, err)
	})
})

var _ = Describe("An approval", func() {
	It("says who made it, by which credential, of which gateway, and until when", func(ctx context.Context) {
		gw := newGateway(ctx)
		made := bob.approve(ctx, gw, rooted).Spec
		Expect(made.ApprovedBy.Username).To(Equal("bob"))
		Expect(made.ApprovedBy.Groups).To(ContainElements("editors", "approvers", "system:authenticated"))
		Expect(made.ApprovedBy.CredentialID).To(HavePrefix("X509SHA256="))
		Expect(made.GatewayUID).To(BeEquivalentTo(gw.UID))
		Expect(made.NotAfter.Sub(made.NotBefore.Time).Hours()).To(BeEquivalentTo(24))
	})

	DescribeTable("is refused", func(ctx context.Context, alter func(*v1alpha1.ChangeApproval), want string) {
		gw := newGateway(ctx)
		approval := approvalOf(ctx, gw, rooted)
		alter(approval)
		err := bob.Create(ctx, approval)
		Expect(sentence(err)).To(ContainSubstring(want))
	},
		Entry("for a gateway that is not there", func(a *v1alpha1.ChangeApproval) { a.Spec.GatewayName = "nowhere" },
			"approval: spec.gatewayName: must be a gateway of the approval's namespace, is nowhere"),
		Entry("with a digest of something else", func(a *v1alpha1.ChangeApproval) { a.Spec.Digest = "sha256:" + strings.Repeat("0", 64) },
			"approval: spec.digest: must be that of spec.changes for this gateway, sha256:"),
		Entry("for a change that looks harmless", func(a *v1alpha1.ChangeApproval) { a.Spec.Changes[0].Effects = nil },
			"approval: spec.digest: must be that of spec.changes for this gateway, sha256:"),
		Entry("of nothing that anybody saw", func(a *v1alpha1.ChangeApproval) { a.Spec.Changes = nil },
			"approval: spec.changes: must be the changes that the approver saw, is empty"),
		Entry("for longer than a week", func(a *v1alpha1.ChangeApproval) {
			a.Spec.NotAfter = new(metav1.Now().Rfc3339Copy())
			a.Spec.NotAfter.Time = a.Spec.NotAfter.AddDate(0, 0, 8)
		}, "approval: spec.notAfter: must be at most 168h from now"),
		Entry("for a time that is over", func(a *v1alpha1.ChangeApproval) {
			a.Spec.NotBefore, a.Spec.NotAfter = new(metav1.Unix(1, 0)), new(metav1.Unix(2, 0))
		}, "approval: spec.notAfter: must be after notBefore and after now"),
	)

	It("is refused from somebody without the verb approve", func(ctx context.Context) {
		gw := newGateway(ctx)
		Expect(sentence(carl.Create(ctx, approvalOf(ctx, gw, rooted)))).To(
			HavePrefix("approval: spec.approvedBy: must be allowed the verb approve on istiogateways " + gw.Name + ", is not: carl"))
	})

	It("counts neither before its window nor after it", func(ctx context.Context) {
		gw := newGateway(ctx)
		approval := approvalOf(ctx, gw, rooted)
		approval.Spec.NotBefore = new(metav1.Now().Rfc3339Copy())
		approval.Spec.NotBefore.Time = approval.Spec.NotBefore.AddDate(0, 0, 1)
		Expect(bob.Create(ctx, approval)).To(Succeed())
		short := approvalOf(ctx, gw, rooted)
		short.Spec.NotBefore, short.Spec.NotAfter = new(metav1.Unix(1, 0)), new(metav1.Now().Rfc3339Copy())
		// Long enough to be made on a slow machine, before it ends.
		short.Spec.NotAfter.Time = short.Spec.NotAfter.Add(6 * time.Second)
		Expect(bob.Create(ctx, short)).To(Succeed())
		Eventually(func() string {
			_, err := ann.patch(ctx, gw.Name, rooted, client.DryRunAll)
			return sentence(err)
		}).Should(And(
			ContainSubstring(approval.Name+" does not count: it does not hold yet"),
			ContainSubstring(short.Name+" does not count: it has expired"),
		))
	})

	It("cannot be changed, nor its use undone", func(ctx context.Context) {
		gw := newGateway(ctx)
		approval := bob.approve(ctx, gw, rooted)
		for _, patch := range []string{`{"spec":{"reason":"another"}}`, `{"spec":{"approvedBy":{"username":"dora"}}}`, `{"spec":{"gatewayUID":"x"}}`, `{"spec":{"notAfter":"2027-01-01T00:00:00Z"}}`} {
			err := bob.Patch(ctx, approval.DeepCopy(), client.RawPatch("application/merge-patch+json", []byte(patch)))
			Expect(err).To(MatchError(ContainSubstring("spec is immutable")))
		}
		_, err := ann.patch(ctx, gw.Name, rooted)
		Expect(err).NotTo(HaveOccurred())
		used(ctx, gw.Name)
		for _, patch := range []string{`{"status":{"usedBy":null}}`, `{"status":null}`, `{"status":{"usedBy":{"uid":"another"}}}`} {
			err := admin.Status().Patch(ctx, approval.DeepCopy(), client.RawPatch("application/merge-patch+json", []byte(patch)))
			Expect(err).To(MatchError(ContainSubstring("status.usedBy is set once")))
		}
		Expect(apierrors.IsForbidden(bob.Status().Patch(ctx, approval.DeepCopy(), client.RawPatch("application/merge-patch+json", []byte(`{"status":{}}`))))).To(BeTrue())
	})
})

var _ = Describe("A gateway that went past the guard", func() {
	It("is not taken for admitted until it runs as it is stored", func(ctx context.Context) {
		status := func(generation string) {
			GinkgoHelper()
			gw := stored(ctx, "past")
			patch := `{"status":{"clusters":[{"clusterId":"c1","state":"Applied","observedGeneration":` + generation + `}]}}`
			Expect(admin.Status().Patch(ctx, gw, client.RawPatch("application/merge-patch+json", []byte(patch)))).To(Succeed())
		}
		status("7")
		_, err := ann.patch(ctx, "past", `{"metadata":{"labels":{"team":"edge"}}}`)
		Expect(err).NotTo(HaveOccurred())
		Expect(stored(ctx, "past").Annotations).NotTo(HaveKey(gateway.AnnotationAdmitted), "a harmless edit launders nothing")
		_, err = ann.patch(ctx, "past", `{"metadata":{"annotations":{"portcullis.dev/admitted":"sha256:forged"}}}`)
		Expect(err).NotTo(HaveOccurred())
		Expect(stored(ctx, "past").Annotations).NotTo(HaveKey(gateway.AnnotationAdmitted))
	})
})
