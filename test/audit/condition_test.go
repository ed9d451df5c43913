package audit_test

import (
	"bufio"
	"context"
	"encoding/json"
	"os"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/api/v1alpha1"
)

// told are the events about a gateway for some reason.
func told(ctx context.Context, gw *v1beta1.IstioGateway, reason string) []string {
	list := &eventsv1.EventList{}
	if err := admin.List(ctx, list, client.InNamespace(namespace)); err != nil {
		return []string{err.Error()}
	}
	var out []string
	for _, event := range list.Items {
		if event.Regarding.UID == gw.UID && event.Reason == reason {
			out = append(out, event.Note)
		}
	}
	return out
}

// writes counts the requests of the audit's that the API server has on record.
func writes() int {
	GinkgoHelper()
	file, err := os.Open(plane.AuditLog)
	Expect(err).NotTo(HaveOccurred())
	defer func() { _ = file.Close() }()
	count := 0
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var event struct{ RequestURI, Stage string }
		Expect(json.Unmarshal(lines.Bytes(), &event)).To(Succeed())
		if strings.Contains(event.RequestURI, "fieldManager=portcullis-audit") && event.Stage == "ResponseComplete" {
			count++
		}
	}
	Expect(lines.Err()).NotTo(HaveOccurred())
	return count
}

var _ = Describe("The condition Compliant", func() {
	It("appears on a gateway that was stored past the guard", func(ctx context.Context) {
		gw := expectStored(ctx, gatewayOf("past", `{clusterIds: [local, nowhere], cpu: {targetAverageUtilization: 80}}`))
		Eventually(compliant).WithArguments(ctx, gw).Should(Equal("False WouldBeRefused: The rules in force would refuse it: cluster_ids (1); they warn of it: autoscaling (1)"))
		Expect(gw.Status.Audit).To(HaveValue(Equal(v1beta1.AuditStatus{Denials: 1, Warnings: 1})))
		Eventually(told).WithArguments(ctx, gw, "RefusedByAudit").Should(ConsistOf(HavePrefix("Refused by audit: The rules in force would refuse it: cluster_ids (1)")))
		Eventually(running.scraped).Should(And(
			ContainSubstring(`portcullis_audit_violations{enforcement="Deny",rule="cluster_ids"} 1`),
			ContainSubstring(`portcullis_audit_violations{enforcement="Deny",rule="ports"} 0`),
			ContainSubstring("portcullis_audit_timestamp_seconds "),
			ContainSubstring("portcullis_audit_failures_total 0"),
		))
	})

	It("turns with the gateway", func(ctx context.Context) {
		gw := expectStored(ctx, gatewayOf("turning", `{clusterIds: [local]}`))
		Eventually(compliant).WithArguments(ctx, gw).Should(Equal(fine))
		Expect(told(ctx, gw, "ClearedByAudit")).To(BeEmpty())
		Eventually(func() error {
			if err := admin.Get(ctx, client.ObjectKeyFromObject(gw), gw); err != nil {
				return err
			}
			gw.Spec.ClusterIDs = []string{"local", "nowhere"}
			return admin.Update(ctx, gw)
		}).Should(Succeed())
		Eventually(compliant).WithArguments(ctx, gw).Should(HavePrefix("False WouldBeRefused"))
	})

	It("turns with a GatewayPolicy, and back", func(ctx context.Context) {
		gw := expectStored(ctx, gatewayOf("judged", `{clusterIds: [local]}`))
		Eventually(compliant).WithArguments(ctx, gw).Should(Equal(fine))
		policy := expectPolicy(ctx)
		Eventually(compliant).WithArguments(ctx, gw).Should(Equal(ownerless))
		Expect(admin.Delete(ctx, policy)).To(Succeed())
		Eventually(compliant).WithArguments(ctx, gw).Should(Equal(fine))
		Eventually(told).WithArguments(ctx, gw, "ClearedByAudit").Should(HaveLen(1))
	})

	It("turns with a cluster", func(ctx context.Context) {
		gw := expectStored(ctx, gatewayOf("waiting", `{clusterIds: [later]}`))
		Eventually(compliant).WithArguments(ctx, gw).Should(HavePrefix("False WouldBeRefused"))
		later := &v1alpha1.GatewayCluster{ObjectMeta: metav1.ObjectMeta{Name: "later"}}
		later.Spec.KubeconfigSecret = &v1alpha1.SecretReference{Namespace: namespace, Name: "later"}
		Expect(admin.Create(ctx, later)).To(Succeed())
		DeferCleanup(func(ctx context.Context) { Expect(admin.Delete(ctx, later)).To(Succeed()) })
		Eventually(compliant).WithArguments(ctx, gw).Should(HavePrefix("True WouldBeAdmitted"))
	})

	It("stays while the controller writes the rest of the status, and the other way round", func(ctx context.Context) {
		gw := expectStored(ctx, gatewayOf("shared", `{clusterIds: [local]}`))
		Eventually(compliant).WithArguments(ctx, gw).Should(Equal(fine))
		Eventually(func() *metav1.Condition {
			Expect(admin.Get(ctx, client.ObjectKeyFromObject(gw), gw)).To(Succeed())
			return meta.FindStatusCondition(gw.Status.Conditions, v1beta1.ConditionReconciled)
		}).Should(HaveField("Reason", "Applied"))
		// Both write at once, many times.
		for i := range 20 {
			Eventually(func() error {
				if err := admin.Get(ctx, client.ObjectKeyFromObject(gw), gw); err != nil {
					return err
				}
				gw.Spec.Ports = []corev1.ServicePort{{Name: "web", Port: int32(8000 + i)}}
				return admin.Update(ctx, gw)
			}).Should(Succeed())
		}
		Eventually(compliant).WithArguments(ctx, gw).Should(Equal(fine))
		Eventually(func() bool {
			Expect(admin.Get(ctx, client.ObjectKeyFromObject(gw), gw)).To(Succeed())
			return gw.Status.ObservedGeneration == gw.Generation
		}).Should(BeTrue())
		Consistently(func(g Gomega) {
			g.Expect(compliant(ctx, gw)).To(Equal(fine))
			g.Expect(gw.Status.Audit).NotTo(BeNil())
			for _, name := range []string{v1beta1.ConditionAccepted, v1beta1.ConditionReconciled, v1beta1.ConditionReady} {
				g.Expect(meta.FindStatusCondition(gw.Status.Conditions, name)).NotTo(BeNil(), name)
			}
		}).Should(Succeed())
	})

	It("is written once, also after a restart, and goes where the audit is turned off", func(ctx context.Context) {
		gw := expectStored(ctx, gatewayOf("quiet", `{clusterIds: [local, nowhere]}`))
		Eventually(compliant).WithArguments(ctx, gw).Should(HavePrefix("False WouldBeRefused"))
		Eventually(told).WithArguments(ctx, gw, "RefusedByAudit").Should(HaveLen(1))
		before := writes()
		Expect(before).To(BeNumerically(">", 0))
		// Audited every second, and nothing changes.
		restart("1s")
		Eventually(running.scraped).Should(ContainSubstring(`portcullis_audit_violations{enforcement="Deny",rule="cluster_ids"} 1`))
		Consistently(writes).Should(Equal(before))
		Expect(told(ctx, gw, "RefusedByAudit")).To(HaveLen(1))
		restart("0s")
		DeferCleanup(func() { restart("10m") })
		Eventually(compliant).WithArguments(ctx, gw).Should(BeEmpty())
		Expect(gw.Status.Audit).To(BeNil())
		Expect(meta.FindStatusCondition(gw.Status.Conditions, v1beta1.ConditionAccepted)).NotTo(BeNil())
	})
})
