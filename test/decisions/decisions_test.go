package decisions_test

import (
	"bytes"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"portcullis.dev/portcullis/pkg/decision"
)

// edge is a gateway with a secret in its environment and in an annotation, and further fields.
func edge(name, fields string) string {
	return `
apiVersion: istio.alibabacloud.com/v1beta1
kind: IstioGateway
metadata:
  name: ` + name + `
  namespace: istio-system
  annotations: {example.com/token: tok-8675309}
spec:
  clusterIds: [c1]
  serviceType: ClusterIP
  env: [{name: PASSWORD, value: hunter2-hunter2}]
` + fields
}

// named finds the decision's ID in what a user reads.
var named = regexp.MustCompile(`(?m)^decision ([0-9a-f-]{36})$`)

var _ = Describe("What a user reads of a refusal", Ordered, func() {
	var kubeconfig, said, id string

	BeforeAll(func() {
		var err error
		kubeconfig, _, err = plane.KubeconfigFor("ann", "system:masters")
		Expect(err).NotTo(HaveOccurred())
		said = applied(kubeconfig, edge("refused", "  ports: [{name: http, port: 80, targetPort: 15000}]\n"))
	})

	It("ends with the decision's ID", func() {
		Expect(said).To(ContainSubstring(`admission webhook "validate.portcullis.dev" denied the request: `))
		Expect(said).To(ContainSubstring("ports: spec.ports[0].targetPort: "))
		found := named.FindStringSubmatch(said)
		Expect(found).To(HaveLen(2), said)
		id = found[1]
		Expect(said).To(HaveSuffix("decision " + id))
	})

	It("leads to the record on standard output", func() {
		Eventually(func() string { return recordOf(id) }).ShouldNot(BeEmpty())
		for _, record := range records() {
			if record.ID != id {
				continue
			}
			Expect(record.Webhook).To(Equal("validate"))
			Expect(record.Verdict).To(Equal(decision.Refused))
			Expect(record.User.Username).To(Equal("ann"))
			Expect(record.Operation).To(Equal("CREATE"))
			Expect(record.Gateway).To(Equal("istio-system/refused"))
			Expect(record.Findings[0].Code).To(Equal("ports"))
			Expect(record.Findings[0].Enforcement).To(BeEquivalentTo("Deny"))
			Expect(record.Revision).NotTo(BeEmpty())
			Expect(record.Seconds).To(BeNumerically(">", 0))
		}
	})

	It("leads to the same record at the collector", func() {
		Eventually(func() string { return collected.record(id) }).Should(MatchJSON(recordOf(id)))
	})

	It("leads to the request in the API server's audit log", func() {
		Eventually(func() []string { return annotations(id) }).Should(ConsistOf("validate.portcullis.dev/decision"))
	})
})

var _ = Describe("A change that is admitted with a warning", func() {
	It("has its ID in the audit log, and no secret of its author's anywhere", func() {
		kubeconfig, _, err := plane.KubeconfigFor("bob", "system:masters")
		Expect(err).NotTo(HaveOccurred())
		Expect(applied(kubeconfig, edge("warned", "  replicaCount: 1\n"))).To(ContainSubstring("warned created"))
		said := applied(kubeconfig, strings.ReplaceAll(edge("warned", "  replicaCount: 1\n  runAsRoot: true\n"), "hunter2-hunter2", "hunter3-hunter3"))
		Expect(said).To(ContainSubstring("restart_approval: "), "the user sees what changes")
		Expect(said).To(ContainSubstring("hunter3-hunter3"))
		found := named.FindStringSubmatch(said)
		Expect(found).To(HaveLen(2), said)
		Eventually(func() string { return collected.record(found[1]) }).Should(ContainSubstring("restart_approval"))
		Expect(recordOf(found[1])).To(ContainSubstring(`"path":"spec.env"`))
		Expect(recordOf(found[1])).To(ContainSubstring("***"))
		all := string(printed.Contents()) + collected.record(found[1])
		for _, secret := range []string{"hunter2", "hunter3", "tok-8675309"} {
			Expect(all).NotTo(ContainSubstring(secret))
		}
		for _, record := range records() {
			if record.Gateway != "istio-system/warned" || record.Verdict != decision.Admitted {
				continue
			}
			Eventually(func() []string { return annotations(record.ID) }).Should(ConsistOf(record.Webhook + ".portcullis.dev/decision"))
		}
	})
})

var _ = Describe("The metrics of a webhook that has decided", func() {
	It("are as promtool wants them, and all on the page of metrics", func() {
		kubeconfig, _, err := plane.KubeconfigFor("mia", "system:masters")
		Expect(err).NotTo(HaveOccurred())
		Expect(applied(kubeconfig, edge("counted", "  ports: [{name: http, port: 80, targetPort: 15000}]\n"))).To(ContainSubstring("ports: "))
		response, err := http.Get("http://127.0.0.1:" + strconv.Itoa(metricsPort) + "/metrics")
		Expect(err).NotTo(HaveOccurred())
		defer func() { Expect(response.Body.Close()).To(Succeed()) }()
		text := &bytes.Buffer{}
		_, err = text.ReadFrom(response.Body)
		Expect(err).NotTo(HaveOccurred())
		page, err := os.ReadFile("../../docs/metrics.md")
		Expect(err).NotTo(HaveOccurred())
		ours, names := &bytes.Buffer{}, 0
		for line := range strings.Lines(text.String()) {
			if !strings.Contains(line, "portcullis_") {
				continue
			}
			ours.WriteString(line)
			if name, isType := strings.CutPrefix(line, "# TYPE "); isType {
				name, _, _ = strings.Cut(name, " ")
				names++
				Expect(string(page)).To(ContainSubstring("| `" + name + "` |"))
			}
		}
		Expect(names).To(BeNumerically(">=", 8))
		problems, err := promlint.New(bytes.NewReader(ours.Bytes())).Lint()
		Expect(err).NotTo(HaveOccurred())
		Expect(problems).To(BeEmpty())
		for _, line := range []string{
			`portcullis_admission_decisions_total{operation="CREATE",verdict="refused",webhook="validate"} `,
			`portcullis_admission_findings_total{enforcement="Deny",rule="ports"} `,
			`portcullis_certificate_expiry_timestamp_seconds{certificate="serving"} `,
			`portcullis_decision_log_records_total{log="collector",result="dropped"} 0`,
			`portcullis_rules_info{revision="`,
		} {
			Expect(ours.String()).To(ContainSubstring("\n" + line))
		}
	})
})
