package policy_test

import (
	"context"
	"os/exec"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/gexec"
	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"portcullis.dev/portcullis/pkg/api/v1alpha1"
)

// teamLabel is the spec of a policy with an own rule and its test.
const teamLabel = `
match: {namespaces: [istio-system]}
modules:
  team_label.rego: |
    # METADATA
    # title: Team
    # description: Somebody has to be called when a gateway misbehaves.
    # custom:
    #   fix: set the label team
    package own.teams.validate.team_label

    import data.lib.result

    deny contains finding if {
    	not input.gateway.metadata.labels.team
    	finding := result.finding(rego.metadata.chain(), {
    		"field": "metadata.labels.team",
    		"message": "must be the team that is called, is absent",
    	})
    }
tests:
  team_label_test.rego: |
    package own.teams.validate.team_label_test

    import data.own.teams.validate.team_label

    test_refuses_an_empty_object if count(team_label.deny) == 1 with input as {}

    test_accepts_a_team if {
    	team_label.deny == set() with input.gateway.metadata.labels as {"team": "a"}
    }
`

// stored is a policy as it is stored.
func stored(ctx context.Context, name string) *v1alpha1.GatewayPolicy {
	GinkgoHelper()
	policy := &v1alpha1.GatewayPolicy{}
	Expect(admin.Get(ctx, client.ObjectKey{Name: name}, policy)).To(Succeed())
	return policy
}

var _ = Describe("A GatewayPolicy", Ordered, func() {
	It("adds a rule that denies with its own sentence, and no more once it is gone", func(ctx context.Context) {
		Expect(tried(gateway("edge", namespace, "{}"))).To(HavePrefix("accepted"))
		expectActive("teams", teamLabel)
		Expect(tried(gateway("edge", namespace, "{}"))).To(ContainSubstring("denied the request: team_label: metadata.labels.team: must be the team that is called, is absent (set the label team)"))
		Expect(tried(gateway("edge", namespace, "{team: a}"))).To(HavePrefix("accepted"))
		status := stored(ctx, "teams").Status
		Expect(status.Replicas).To(HaveLen(1))
		Expect(status.Replicas[0].Name).To(Equal("webhook-1"))
		Expect(status.Replicas[0].ObservedGeneration).To(BeEquivalentTo(1))
		Expect(status.Replicas[0].Revision).NotTo(BeEmpty())
		Expect(kubectl("", "get", "gwp", "teams")).To(MatchRegexp(`(?s)NAME\s+ACTIVE\s+REASON\s+ENFORCEMENT\s+AGE.*teams\s+True\s+Running`))
		Expect(kubectl("", "delete", "gwp", "teams")).To(ContainSubstring("deleted"))
		Eventually(func() string { return tried(gateway("edge", namespace, "{}")) }).Should(HavePrefix("accepted"))
	})

	It("changes the enforcement of a built-in rule, and changes it again", func() {
		outside := gateway("edge", "elsewhere", "{}")
		Expect(tried(outside)).To(ContainSubstring("denied the request: namespace: metadata.namespace: must be istio-system, is elsewhere"))
		expectActive("soft", "enforcements: {namespace: Warn}")
		Expect(tried(outside)).To(And(ContainSubstring("Warning: namespace: metadata.namespace: must be istio-system"), ContainSubstring("accepted")))
		Expect(apply("soft", "enforcements: {namespace: Audit}")).Error().NotTo(HaveOccurred())
		expectWaited("soft")
		Expect(tried(outside)).To(And(HavePrefix("accepted"), Not(ContainSubstring("namespace: metadata"))))
		Expect(apply("soft", "enforcements: {namespace: Deny}")).Error().NotTo(HaveOccurred())
		expectWaited("soft")
		Expect(tried(outside)).To(ContainSubstring("denied the request: namespace"))
	})

	It("holds for the gateways whose labels it matches, with its parameters", func() {
		expectActive("dev", `
match: {labels: {matchLabels: {env: dev}}}
parameters: {namespace: {allowed: [elsewhere]}}`)
		Expect(tried(gateway("edge", "elsewhere", "{env: dev}"))).To(HavePrefix("accepted"))
		Expect(tried(gateway("edge", "elsewhere", "{env: prod}"))).To(ContainSubstring("must be istio-system, is elsewhere"))
		Expect(tried(gateway("edge", namespace, "{env: dev}"))).To(ContainSubstring("must be elsewhere, is istio-system"))
	})

	It("goes in as kubectl portcullis packs it, and holds", func(ctx context.Context) {
		plugin, err := gexec.Build("portcullis.dev/portcullis/cmd/kubectl-portcullis")
		Expect(err).NotTo(HaveOccurred())
		run := func(args ...string) string {
			GinkgoHelper()
			output, err := exec.CommandContext(ctx, plugin, append([]string{"policy"}, args...)...).Output()
			Expect(err).NotTo(HaveOccurred(), "%s", output)
			return string(output)
		}
		rules := GinkgoT().TempDir()
		run("new", "owner", "--policy", "acme", "--dir", rules)
		packed := run("pack", rules)
		DeferCleanup(expectGone, "acme")
		Expect(kubectl(packed, "apply", "-f", "-")).To(ContainSubstring("gatewaypolicy.portcullis.dev/acme created"))
		expectWaited("acme")
		Expect(tried(gateway("edge", namespace, "{}"))).To(ContainSubstring("denied the request: owner: "))
	})

	It("fills in by its own rule", func() {
		expectActive("tiers", `
modules:
  tier.rego: |
    # METADATA
    # title: Tier
    # description: Pods are found by their tier.
    package own.tiers.mutate.tier

    fill["/spec/podLabels/tier"] := data.parameters.tier.value
parameters: {tier: {value: edge}}`)
		Expect(kubectl(gateway("edge", namespace, "{}"), "apply", "--dry-run=server", "-f", "-", "-o", "jsonpath={.spec.podLabels.tier}")).To(Equal("edge"))
	})

	It("cannot be left or joined by an edit of labels, which are the platform team's", func() {
		expectActive("teams", strings.Replace(teamLabel, "match: {namespaces: [istio-system]}", "match: {labels: {matchLabels: {env: prod}}}", 1))
		edge := gateway("labelled", namespace, "{env: prod, team: a}")
		Expect(kubectl(edge, "apply", "-f", "-")).Error().NotTo(HaveOccurred())
		DeferCleanup(func() { _, _ = kubectl(edge, "delete", "-f", "-") })
		author := []string{"--as", "alice", "--as-group", "edge-team"}
		Expect(kubectl(`{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: gateways}, rules: [{apiGroups: [istio.alibabacloud.com], resources: [istiogateways], verbs: ["*"]}]}`, "apply", "-f", "-")).Error().NotTo(HaveOccurred())
		Expect(kubectl("", "create", "clusterrolebinding", "gateways", "--clusterrole=gateways", "--group=edge-team")).Error().NotTo(HaveOccurred())

		output, err := kubectl("", append(author, "-n", namespace, "label", "igw", "labelled", "env-")...)
		Expect(err).To(HaveOccurred())
		Expect(output).To(ContainSubstring("policy_labels: metadata.labels: must keep the gateway under GatewayPolicy teams, takes it out"))
		output, err = kubectl("", append(author, "-n", namespace, "patch", "igw", "labelled", "--type=merge", "-p", `{"metadata": {"labels": {"env": "dev", "team": null}}}`)...)
		Expect(err).To(HaveOccurred())
		Expect(output).To(And(ContainSubstring("policy_labels: "), ContainSubstring("team_label: ")))
		Expect(kubectl("", append(author, "-n", namespace, "label", "igw", "labelled", "other=label")...)).Error().NotTo(HaveOccurred())
		Expect(kubectl("", "-n", namespace, "label", "igw", "labelled", "env-")).Error().NotTo(HaveOccurred(), "the platform team may")
	})
})

var _ = DescribeTable("A GatewayPolicy is refused when it is applied,",
	func(spec string, want ...string) {
		output, err := apply("teams", spec)
		Expect(err).To(HaveOccurred(), output)
		for _, part := range want {
			Expect(output).To(ContainSubstring(part))
		}
		output, err = kubectl("", "get", "gwp", "teams")
		Expect(err).To(HaveOccurred())
		Expect(output).To(ContainSubstring("NotFound"))
	},
	Entry("when it does not parse", strings.Replace(teamLabel, "if {\n    \tnot", "if }\n    \tnot", 1), "team_label.rego:10:26: rego_parse_error"),
	Entry("when it does not compile", strings.Replace(teamLabel, "not input.gateway", "not inputs.gateway", 1), "team_label.rego:11:2: rego_unsafe_var_error: var inputs is unsafe"),
	Entry("when it calls what nobody has", strings.Replace(teamLabel, "result.finding(", "result.findings(", 1), "team_label.rego:12:13: rego_type_error: undefined function data.lib.result.findings"),
	Entry("when it reaches outside", strings.Replace(teamLabel, "not input.gateway.metadata.labels.team", `http.send({"method": "get", "url": "http://a"})`, 1), "team_label.rego:11:2: rego_type_error: http.send is forbidden"),
	Entry("when it has no METADATA", strings.Replace(teamLabel, "# METADATA", "# ", 1), "team_label.rego:6:1: METADATA of the package must have a title and a description, has not"),
	Entry("when its own tests fail", strings.Replace(teamLabel, "== 1 with input", "== 2 with input", 1), "team_label_test.rego:5:1: test_refuses_an_empty_object must be true, is undefined"),
	Entry("when its tests do not compile", strings.Replace(teamLabel, "== 1 with input", "== one with input", 1), "team_label_test.rego:5:", "var one is unsafe"),
	Entry("when its tests never end", strings.Replace(teamLabel, "count(team_label.deny) == 1", "count([x | some i in numbers.range(1, 1000000); some j in numbers.range(1, 1000000); x := i * j]) == 1", 1), "test_refuses_an_empty_object must end: tests must end within 3s, have not"),
	Entry("when it takes a built-in rule's name", strings.ReplaceAll(teamLabel, "team_label", "namespace"), "rule must have a code that no other has, has namespace of the library"),
	Entry("when it is in another's package", strings.ReplaceAll(teamLabel, "own.teams", "own.others"), "package must be own.teams.validate.<rule>", "is own.others.validate.team_label"),
	Entry("when it enforces what is no rule", "enforcements: {nobody: Warn}", "spec.enforcements: nobody must be a validating rule"),
	Entry("when it enforces as nobody can", "enforcements: {namespace: Allow}", `Unsupported value: "Allow": supported values: "Deny", "Warn", "Audit"`),
	Entry("when it misspells a parameter", "parameters: {namespace: {permitted: []}}", "spec.parameters: namespace.permitted must be absent"),
	Entry("when it enforces rules that it has not", "enforcement: Warn", "is of this policy's own modules and must come with some"),
	Entry("when it tests what it has not", "tests: {a_test.rego: package a}", "must have modules to test"),
	Entry("when a module is named as a test", "modules: {a_test.rego: package a}", "names must end in .rego and not in _test.rego"),
	Entry("when a test is named as a module", "modules: {a.rego: package a}\ntests: {b.rego: package a}", "names must end in _test.rego"),
	Entry("when it matches as nobody can", "match: {labels: {matchExpressions: [{key: a, operator: Exist}]}}", "Exist"),
)

var _ = Describe("GatewayPolicies", Ordered, func() {
	It("need a name that packages can have when they have modules, and none otherwise", func() {
		output, err := apply("1.teams", teamLabel)
		Expect(err).To(HaveOccurred())
		Expect(output).To(ContainSubstring("metadata.name must be a DNS label that begins with a letter"))
		expectActive("1.soft", "enforcements: {labels: Warn}")
	})

	It("are refused when they want other parameters for one gateway, naming both", func() {
		expectActive("first", "parameters: {namespace: {allowed: [istio-system, a]}}")
		output, err := apply("second", "parameters: {namespace: {allowed: [istio-system, b]}}")
		Expect(err).To(HaveOccurred())
		Expect(output).To(ContainSubstring("GatewayPolicies first and second must agree on spec.parameters.namespace.allowed, for both can match one gateway, do not"))
		Expect(apply("first", "{match: {namespaces: [a]}, parameters: {namespace: {allowed: [istio-system, a]}}}")).Error().NotTo(HaveOccurred())
		expectWaited("first")
		expectActive("second", "{match: {namespaces: [b]}, parameters: {namespace: {allowed: [istio-system, b]}}}")
	})

	It("hold together, the strictest enforcement first", func() {
		expectActive("soft", "enforcements: {namespace: Audit}")
		Expect(tried(gateway("edge", "elsewhere", "{}"))).To(HavePrefix("accepted"))
		expectActive("strict", "enforcements: {namespace: Deny}")
		Expect(tried(gateway("edge", "elsewhere", "{}"))).To(ContainSubstring("must be istio-system, is elsewhere"))
	})

	It("that go past the guard and cannot be used change nothing, say why, and can be deleted", func(ctx context.Context) {
		expectActive("teams", teamLabel)
		withoutGuard(ctx, func() {
			Expect(apply("bad", "modules: {a.rego: package elsewhere}")).Error().NotTo(HaveOccurred())
		})
		DeferCleanup(func(ctx context.Context) { expectGone(ctx, "bad") })
		Eventually(func() string { return condition(stored(ctx, "bad")) }).Should(Equal("False Refused a.rego:1:1: package must be own.bad.validate.<rule>, own.bad.mutate.<rule> or own.bad.lib.<name>, is elsewhere"))
		Expect(webhook.scraped()).To(MatchRegexp(`portcullis_rules_reloads_total\{result="refused"\} [1-9]`))
		Expect(tried(gateway("edge", namespace, "{}"))).To(ContainSubstring("team_label: "), "the last good set decides")
		Expect(apply("waiting", "enforcements: {namespace: Warn}")).Error().NotTo(HaveOccurred(), "a good policy can be stored all the same")
		DeferCleanup(func(ctx context.Context) { expectGone(ctx, "waiting") })
		Eventually(func() string { return condition(stored(ctx, "waiting")) }).Should(Equal("False Refused waits for GatewayPolicies that cannot be used: bad"))
		Expect(kubectl("", "delete", "gwp", "bad")).To(ContainSubstring("deleted"))
		expectWaited("waiting")
	})
})

// condition is what a policy's condition says.
func condition(policy *v1alpha1.GatewayPolicy) string {
	active := meta.FindStatusCondition(policy.Status.Conditions, v1alpha1.ConditionActive)
	if active == nil {
		return "none"
	}
	return string(active.Status) + " " + active.Reason + " " + active.Message
}
