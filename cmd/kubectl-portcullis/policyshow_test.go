package main

import (
	"strings"
	"testing"

	"portcullis.dev/portcullis/pkg/policy"
)

// soft is a GatewayPolicy that only warns of other namespaces, for gateways of an environment.
const soft = `apiVersion: portcullis.dev/v1alpha1
kind: GatewayPolicy
metadata: {name: soft}
spec:
  match: {labels: {matchLabels: {env: dev}}}
  enforcements: {namespace: Warn}
  parameters: {namespace: {allowed: [gateways]}}
`

// ownRule is a GatewayPolicy with a rule of its own.
const ownRule = `apiVersion: portcullis.dev/v1alpha1
kind: GatewayPolicy
metadata: {name: teams}
spec:
  enforcement: Audit
  modules:
    team.rego: |
      # METADATA
      # title: Team
      # description: Somebody has to be called.
      package own.teams.validate.team_label

      deny contains {"field": "metadata.labels.team", "message": "must be set, is absent", "fix": ""} if {
        not input.gateway.metadata.labels.team
      }
`

// inEnvironment is a gateway with a label.
func inEnvironment(name string) string {
	return strings.Replace(edgeWith(`{clusterIds: [c1]}`), "namespace: istio-system", "namespace: istio-system, labels: {env: "+name+"}", 1)
}

// shown runs policy show.
func shown(t *testing.T, args ...string) outcome {
	t.Helper()
	return portcullis(t, "", append([]string{"policy", "show"}, args...)...)
}

// lineOf is the row of a rule, without the space between its columns.
func lineOf(t *testing.T, code string, got outcome) string {
	t.Helper()
	for _, line := range strings.Split(got.out, "\n") {
		if fields := strings.Fields(line); len(fields) > 0 && fields[0] == code {
			return strings.Join(fields, " ")
		}
	}
	return ""
}

func TestPolicyShowSaysWhereEnforcementComesFrom(t *testing.T) {
	config := file(t, "enforcement: {namespace: Audit, ports: Warn}\n")
	with := file(t, soft+"---\n"+ownRule)
	for name, test := range map[string]struct {
		args []string
		want map[string]string
	}{
		"by default": {nil, map[string]string{"namespace": "namespace Deny defaults Namespace", "defaults": "defaults - - Defaults", "team_label": ""}},
		"by configuration": {
			[]string{"--config", config},
			map[string]string{"namespace": "namespace Audit configuration Namespace", "ports": "ports Warn configuration Ports"},
		},
		"by a policy that matches": {
			[]string{"--config", config, "--with", with, "-f", file(t, inEnvironment("dev"))},
			map[string]string{
				"namespace":  "namespace Warn GatewayPolicy soft Namespace",
				"ports":      "ports Warn configuration Ports",
				"team_label": "team_label Audit GatewayPolicy teams Team",
				"allowed":    `allowed GatewayPolicy soft ["gateways"]`,
			},
		},
		"by none that does not match": {
			[]string{"--with", with, "-f", file(t, inEnvironment("prod"))},
			map[string]string{"namespace": "namespace Deny defaults Namespace", "allowed": ""},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := shown(t, test.args...)
			if got.status != 0 || got.errOut != "" {
				t.Fatalf("got exit status %d\n%s", got.status, got.errOut)
			}
			for code, want := range test.want {
				if line := lineOf(t, code, got); line != want {
					t.Errorf("got %q, want %q", line, want)
				}
			}
		})
	}
}

func TestPolicyShowPrintsEverythingForPrograms(t *testing.T) {
	rules := decoded[[]policy.RuleInForce](t, shown(t, "--with", file(t, soft), "-f", file(t, inEnvironment("dev")), "-o", "json"))
	for _, rule := range rules {
		if rule.Code != "namespace" {
			continue
		}
		want := policy.ParameterInForce{Path: "allowed", Value: []any{"gateways"}, From: "GatewayPolicy soft"}
		if len(rule.Parameters) != 1 || inWords(rule.Parameters[0]) != inWords(want) {
			t.Errorf("got %v, want %v", rule.Parameters, want)
		}
	}
	inYAML := shown(t, "-o", "yaml")
	if inYAML.status != 0 || !strings.Contains(inYAML.out, "- code: namespace\n") {
		t.Errorf("got\n%s", inYAML.out)
	}
}

func TestPolicyShowRefuses(t *testing.T) {
	for name, test := range map[string]struct {
		args []string
		want string
	}{
		"another output":                     {[]string{"-o", "xml"}, `--output must be one of table, json, yaml, is "xml"`},
		"a name without a cluster":           {[]string{"edge"}, "GATEWAY is one of a cluster and must come with --server"},
		"a name and a file":                  {[]string{"edge", "--server", "-f", "x"}, "GATEWAY and --filename must not both be given"},
		"policies of a cluster and of files": {[]string{"--server", "--with", "x"}, "--server and --with must not both be given"},
		"a file without a gateway":           {[]string{"-f", file(t, soft)}, "--filename must name a file with one IstioGateway, found 0"},
		"several gateways":                   {[]string{"-f", file(t, inEnvironment("a")+"---\n"+inEnvironment("b"))}, "--filename must name a file with one IstioGateway, found 2"},
		"a configuration that is nowhere":    {[]string{"--config", "nowhere.yaml"}, "reading --config: open nowhere.yaml"},
		"a configuration of no rule":         {[]string{"--config", file(t, "enforcement: {nobody: Warn}\n")}, "compiling the rules: reading the enforcement: nobody must be a validating rule"},
		"a kubeconfig that is nowhere":       {[]string{"--server", "--kubeconfig", "nowhere"}, "reading the kubeconfig: "},
	} {
		t.Run(name, func(t *testing.T) {
			got := shown(t, test.args...)
			if got.status != 2 || got.out != "" || !strings.HasPrefix(got.errOut, "error: "+test.want) {
				t.Errorf("got exit status %d\n%s%swant 2 and %s", got.status, got.out, got.errOut, test.want)
			}
		})
	}
}

func TestReviewTakesPoliciesAndConfiguration(t *testing.T) {
	outside := file(t, strings.Replace(inEnvironment("dev"), "namespace: istio-system", "namespace: elsewhere", 1))
	for name, test := range map[string]struct {
		args   []string
		status int
		want   string
	}{
		"none":                   {nil, 1, "\n  namespace: metadata.namespace: must be istio-system, is elsewhere"},
		"a policy that matches":  {[]string{"--with", file(t, soft)}, 0, "\n  Warning: namespace: metadata.namespace: must be gateways, is elsewhere"},
		"a configuration":        {[]string{"--config", file(t, "enforcement: {namespace: Audit}\n")}, 0, "\n  Audit: namespace: metadata.namespace: must be istio-system, is elsewhere"},
		"an own rule":            {[]string{"--with", file(t, strings.Replace(ownRule, "Audit", "Deny", 1))}, 1, "\n  team_label: metadata.labels.team: must be set, is absent"},
		"policies and clusters":  {[]string{"--with", file(t, soft+"---\n"+clusters("c1"))}, 0, "would be admitted"},
		"clusters that are not":  {[]string{"--with", file(t, soft+"---\n"+clusters("c2"))}, 1, "cluster_ids: "},
		"a policy that is wrong": {[]string{"--with", file(t, strings.Replace(soft, "namespace: Warn", "nobody: Warn", 1))}, 2, ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := reviewed(t, append([]string{"-f", outside}, test.args...)...)
			if got.status != test.status || !strings.Contains(got.out, test.want) {
				t.Errorf("got exit status %d\n%s%swant %d and %s", got.status, got.out, got.errOut, test.status, test.want)
			}
		})
	}
}
