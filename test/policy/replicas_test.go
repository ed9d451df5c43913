package policy_test

import (
	"context"
	"net/http"
	"strconv"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/gexec"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"portcullis.dev/portcullis/pkg/api/v1alpha1"
	"portcullis.dev/portcullis/test/env"
)

// withoutGuard does something while no webhook is asked of anything.
func withoutGuard(ctx context.Context, do func()) {
	GinkgoHelper()
	_, validating, err := env.Webhooks("https://localhost:"+strconv.Itoa(webhook.port), nil)
	Expect(err).NotTo(HaveOccurred())
	Expect(admin.Delete(ctx, &admissionregistrationv1.ValidatingWebhookConfiguration{ObjectMeta: metav1.ObjectMeta{Name: validating.Name}})).To(Succeed())
	// The API server hears of that a moment later.
	Eventually(func() string { return tried(gateway("edge", "elsewhere", "{}")) }).Should(HavePrefix("accepted"))
	do()
	Expect(admin.Create(ctx, validating)).To(Succeed())
	Eventually(func() string { return tried(gateway("edge", "elsewhere", "{}")) }).Should(ContainSubstring("must be istio-system, is elsewhere"))
}

// replicasOf are the names of the replicas in a policy's status.
func replicasOf(policy *v1alpha1.GatewayPolicy) []string {
	var names []string
	for _, replica := range policy.Status.Replicas {
		names = append(names, replica.Name)
	}
	return names
}

var _ = Describe("Replicas of the webhook", Ordered, Serial, func() {
	It("decide by the policies from their first answer on when they start", func() {
		expectActive("teams", teamLabel)
		webhook.stop()
		webhook.launch()
		// Whatever it answers before it is ready is an error, and never a yes.
		Eventually(func() string { return tried(gateway("edge", namespace, "{}")) }).WithPolling(20 * time.Millisecond).Should(And(
			Not(HavePrefix("accepted")), ContainSubstring("team_label: metadata.labels.team")))
		Eventually(webhook.ready).Should(Equal(http.StatusOK))
		expectWaited("teams")
	})

	It("make a policy active when all of them run it", func(ctx context.Context) {
		expectActive("teams", teamLabel)
		second := newReplica("webhook-2")
		second.start()
		DeferCleanup(func() { second.session.Kill() })
		Eventually(func() []string { return replicasOf(stored(ctx, "teams")) }).Should(Equal([]string{"webhook-1", "webhook-2"}))
		expectActive("soft", "enforcements: {namespace: Warn}")
		status := stored(ctx, "soft").Status
		Expect(status.Replicas).To(HaveLen(2))
		Expect(status.Replicas[0].Revision).To(Equal(status.Replicas[1].Revision))

		By("waiting for one that hangs, and no longer once it is gone")
		second.session.Kill()
		Eventually(second.session).Should(gexec.Exit())
		Expect(apply("soft", "enforcements: {namespace: Audit}")).Error().NotTo(HaveOccurred())
		Eventually(func() string { return condition(stored(ctx, "soft")) }).Should(Equal("False RollingOut Waits for webhook-2 to run generation 2"))
		Eventually(func() string { return condition(stored(ctx, "soft")) }).WithTimeout(90 * time.Second).Should(Equal("True Running Every replica runs generation 2"))
		Expect(replicasOf(stored(ctx, "soft"))).To(Equal([]string{"webhook-1"}))
	})

	It("leave at once when they are stopped in order", func(ctx context.Context) {
		second := newReplica("webhook-2")
		second.start()
		expectActive("teams", teamLabel)
		Expect(replicasOf(stored(ctx, "teams"))).To(HaveLen(2))
		second.stop()
		output, err := kubectl("", "-n", namespace, "get", "lease", "portcullis-webhook-webhook-2")
		Expect(err).To(HaveOccurred())
		Expect(output).To(ContainSubstring("NotFound"))
		Eventually(func() []string { return replicasOf(stored(ctx, "teams")) }).WithTimeout(20 * time.Second).Should(Equal([]string{"webhook-1"}))
	})

	It("do not serve while a policy cannot be used that no set of theirs was ever good with", func(ctx context.Context) {
		withoutGuard(ctx, func() {
			Expect(apply("bad", "modules: {a.rego: package elsewhere}")).Error().NotTo(HaveOccurred())
		})
		DeferCleanup(func(ctx context.Context) { expectGone(ctx, "bad") })
		second := newReplica("webhook-2")
		second.launch()
		DeferCleanup(second.stop)
		Eventually(func() []string { return replicasOf(stored(ctx, "bad")) }).Should(ContainElement("webhook-2"))
		Consistently(second.ready).WithTimeout(2 * time.Second).Should(Equal(http.StatusInternalServerError))
		Expect(kubectl("", "delete", "gwp", "bad")).To(ContainSubstring("deleted"))
		Eventually(second.ready).Should(Equal(http.StatusOK))
	})
})
