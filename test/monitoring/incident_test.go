package monitoring_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"portcullis.dev/portcullis/test/env/wire"
	"portcullis.dev/portcullis/tools/dashboard/board"
)

// patience is how long what comes true by itself may take.
const patience = 2 * time.Minute

// shortened makes every alert fire within the time of a test. What is not named has no time to wait for.
const shortened = `{
	"PortcullisGuardDown": {"for": "1s"},
	"PortcullisGuardSlow": {"for": "1s", "threshold": 0.000001},
	"PortcullisRefusalsSurge": {"threshold": 3},
	"PortcullisCertificateExpiring": {"for": "1s", "threshold": 1000000000},
	"PortcullisBundleStale": {"for": "1s", "threshold": 5},
	"PortcullisGatewayHeld": {"threshold": 1},
	"PortcullisClusterLost": {"for": "1s"},
	"PortcullisControllerDown": {"for": "1s"},
	"PortcullisControllerNotConverging": {"for": "1s"}
}`

func TestALiveStackShowsTheIncident(t *testing.T) {
	use := provide(t)
	calm := use.alerts(t).Groups[0].Rules
	s := startStack(t)
	p := startPrometheus(s, use, use.alerts(t, "--set-json", "alerts.rules="+shortened))
	s.peace()
	for _, alert := range calm {
		s.Eventually(func() ([]sample, error) { return p.query(alert.Expr) }).WithTimeout(patience).Should(BeEmpty(), "%s, before anything happened", alert.Alert)
	}
	s.scrapeUnderLoad()
	s.incident()

	for _, row := range board.Rows() {
		for _, panel := range row.Panels {
			for _, query := range panel.Queries {
				s.Eventually(func() error { return p.shows(query.Expr, query.Shows) }).WithTimeout(patience).Should(Succeed(), "%s: %s", row.Title, panel.Title)
			}
		}
	}
	for _, alert := range calm {
		if last := alert.Alert == "PortcullisGuardDown" || alert.Alert == "PortcullisControllerDown"; !last {
			s.Eventually(p.firing).WithTimeout(patience).Should(HaveKey(alert.Alert))
		}
	}
	s.webhook.Kill().Wait(time.Minute)
	s.controller.Kill().Wait(time.Minute)
	for _, name := range []string{"PortcullisGuardDown", "PortcullisControllerDown"} {
		s.Eventually(p.firing).WithTimeout(patience).Should(HaveKey(name))
	}
	fired, err := p.firing()
	s.Expect(err).NotTo(HaveOccurred())
	for name, annotations := range fired {
		for _, text := range annotations {
			s.Expect(text).NotTo(ContainSubstring("error expanding"), name)
		}
	}
}

// peace is a fleet that is well: one gateway in both clusters, and one at home.
func (s *stack) peace() {
	s.t.Helper()
	s.do(s.ann, gateway("edge", "[home, away]")+"\n---\n"+gateway("plain", "[home]")+"\n---\n"+gateway("broken", "[home]"), "apply", "-f", "-")
	s.do(s.ann, "", "label", "igw", "broken", "-n", namespace, "broken=very")
	s.do(s.ann, "", "wait", "igw", "plain", "-n", namespace, "--for=condition=Ready", "--timeout=120s")
	s.do(s.ann, "", "wait", "igw", "edge", "-n", namespace, "--for=condition=Reconciled", "--timeout=120s")
	s.do(s.ann, "", "wait", "igw", "plain", "-n", namespace, "--for=condition=AddressAssigned", "--timeout=120s")
}

// incident is everything that can go wrong on one bad day.
func (s *stack) incident() {
	s.t.Helper()
	for _, step := range []func(){s.collectorDown, s.refused, s.approved, s.expired, s.undecided, s.late, s.held, s.drifted, s.addressLost, s.inTheWay, s.corrupted, s.clusterLost} {
		step()
	}
}

// collectorDown is a collector that takes nothing any more.
func (s *stack) collectorDown() {
	s.collector.down.Store(true)
}

// refused is a pipeline that repeats what may not be, for as long as a rate takes.
func (s *stack) refused() {
	s.t.Helper()
	refusals := 0
	s.Eventually(func() int {
		_, err := s.kubectl(s.ann, gateway("lost", "[nowhere]"), "apply", "-f", "-")
		s.Expect(err).To(MatchError(ContainSubstring("cluster_ids: ")))
		refusals++
		return refusals
	}).WithPolling(500 * time.Millisecond).WithTimeout(patience).Should(BeNumerically(">", 8))
}

// approved is a restart that one person wants, and another lets happen.
func (s *stack) approved() {
	s.t.Helper()
	edit := []string{"patch", "igw", "edge", "-n", namespace, "--type=merge", "-p", `{"spec":{"podAnnotations":{"color":"blue"}}}`}
	refusals := 0
	s.Eventually(func() int {
		_, err := s.kubectl(s.ann, "", edit...)
		s.Expect(err).To(MatchError(ContainSubstring("restart_approval: ")))
		refusals++
		return refusals
	}).WithPolling(time.Second).WithTimeout(patience).Should(BeNumerically(">", 3))
	s.approve("blue")
	s.do(s.ann, "", edit...)
	s.Eventually(func() string {
		return s.do(s.ann, "", "get", "changeapprovals", "-n", namespace, "-o", "jsonpath={.items[*].status.usedBy.generation}")
	}).WithTimeout(patience).ShouldNot(BeEmpty())
}

// approve lets bob approve that edge gets a color.
func (s *stack) approve(color string, args ...string) {
	s.t.Helper()
	now := s.do(s.ann, "", "get", "igw", "edge", "-n", namespace, "-o", "yaml")
	file := filepath.Join(s.t.TempDir(), "after.yaml")
	s.Expect(os.WriteFile(file, []byte(now), 0o600)).To(Succeed())
	after := s.do(s.ann, "", "patch", "--local", "-f", file, "--type=merge", "-o", "yaml", "-p", `{"spec":{"podAnnotations":{"color":"`+color+`"}}}`)
	s.Expect(os.WriteFile(file, []byte(after), 0o600)).To(Succeed())
	_, err := command(s.t.Context(), s.bob, "", s.plugin, append([]string{"approve", "-n", namespace, "-f", file, "--reason", "CHG-1", "--yes"}, args...)...)
	s.Expect(err).NotTo(HaveOccurred())
}

// expired is an approval that nobody uses in time.
func (s *stack) expired() {
	s.t.Helper()
	s.approve("red", "--not-after", time.Now().Add(8*time.Second).UTC().Format(time.RFC3339))
}

// undecided is a rule that fails on a stored gateway, which nobody can change then, and no audit can judge.
func (s *stack) undecided() {
	s.t.Helper()
	s.active("failing", policyOf("failing", "fails", `to_number(input.gateway.metadata.labels.broken) > 0`))
	_, err := s.kubectl(s.ann, "", "annotate", "igw", "broken", "-n", namespace, "a=b")
	s.Expect(err).To(HaveOccurred())
}

// late is a rule that is newer than a gateway that it refuses.
func (s *stack) late() {
	s.t.Helper()
	s.active("late", policyOf("late", "late", `input.gateway.metadata.name == "plain"`))
}

// active applies a policy, and waits until the guard decides by it.
func (s *stack) active(name, text string) {
	s.t.Helper()
	s.do(s.bob, text, "apply", "-f", "-")
	s.do(s.bob, "", "wait", "gatewaypolicy/"+name, "--for=condition=Active", "--timeout=60s")
}

// policyOf is a GatewayPolicy with one rule, which refuses under a condition.
func policyOf(name, rule, condition string) string {
	return strings.NewReplacer("NAME", name, "RULE", rule, "CONDITION", condition).Replace(`
apiVersion: portcullis.dev/v1alpha1
kind: GatewayPolicy
metadata: {name: NAME}
spec:
  modules:
    RULE.rego: |
      # METADATA
      # title: Tried
      # description: Tries what a rule of somebody else's may do.
      # custom:
      #   fix: none
      package own.NAME.validate.RULE

      import data.lib.result

      deny contains finding if {
      	CONDITION
      	finding := result.finding(rego.metadata.chain(), {"field": "metadata.name", "message": "must be another one"})
      }
  tests:
    RULE_test.rego: |
      package own.NAME.validate.RULE_test

      import data.own.NAME.validate.RULE

      test_says_nothing_of_others if count(RULE.deny) == 0 with input as {}
`)
}

// held is a newer proxy, which nobody approves.
func (s *stack) held() {
	s.t.Helper()
	s.do(s.bob, cluster("home", "local: true", "b"), "apply", "-f", "-")
	s.do(s.ann, "", "wait", "igw", "plain", "-n", namespace, "--for=condition=RestartPending", "--timeout=120s")
}

// drifted is somebody who passes the fence and changes what is ours.
func (s *stack) drifted() {
	s.t.Helper()
	to := func() string {
		return s.do(s.ann, "", "get", "service", "istio-plain", "-n", namespace, "-o", "jsonpath={.spec.ports[0].targetPort}")
	}
	before := to()
	s.do(s.carol, "", "patch", "service", "istio-plain", "-n", namespace, "--field-manager=kubectl-edit", "--type=json", "-p", `[{"op":"replace","path":"/spec/ports/0/targetPort","value":9999}]`)
	s.Eventually(to).WithTimeout(patience).Should(Equal(before))
}

// addressLost is somebody who passes the fence and deletes a Service.
func (s *stack) addressLost() {
	s.t.Helper()
	s.do(s.carol, "", "delete", "service", "istio-plain", "-n", namespace)
}

// inTheWay is somebody else's object where a gateway's is to be.
func (s *stack) inTheWay() {
	s.t.Helper()
	s.do(s.ann, "", "create", "serviceaccount", "istio-blocked", "-n", namespace)
	s.do(s.ann, gateway("blocked", "[home]"), "apply", "-f", "-")
	s.do(s.ann, "", "wait", "igw", "blocked", "-n", namespace, "--for=jsonpath={.status.clusters[0].state}=Failed", "--timeout=120s")
}

// corrupted are rules that came past the guard and do not compile, and a bundle that ends in the middle.
func (s *stack) corrupted() {
	s.t.Helper()
	s.do(s.bob, "", "patch", "validatingwebhookconfiguration", "portcullis", "--type=json", "-p", `[{"op":"test","path":"/webhooks/1/name","value":"validate-policy.portcullis.dev"},{"op":"remove","path":"/webhooks/1"}]`)
	s.Eventually(func() error {
		_, err := s.kubectl(s.bob, policyOf("corrupt", "corrupt", "this is no Rego"), "apply", "-f", "-")
		return err
	}).WithTimeout(patience).Should(Succeed())
	s.rules.corrupt.Store(true)
}

// clusterLost is the end of a cluster's API server, for all that anybody here can see.
func (s *stack) clusterLost() {
	s.t.Helper()
	s.way.Set(wire.Cut)
	s.do(s.ann, "", "wait", "gatewaycluster", "away", "--for=condition=Reachable=False", "--timeout=120s")
}
