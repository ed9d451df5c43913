package policy_test

import (
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"portcullis.dev/portcullis/pkg/policy"
	"portcullis.dev/portcullis/policies"
)

// extended is the built-in rules with some files of a policy author.
func extended(t *testing.T, files map[string]string) fs.FS {
	t.Helper()
	out := fstest.MapFS{}
	err := fs.WalkDir(policies.FS, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := fs.ReadFile(policies.FS, name)
		out[name] = &fstest.MapFile{Data: text}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		out[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return out
}

// known is the input for the creation of a gateway in a registered cluster.
func known(t *testing.T, spec string) policy.Input {
	t.Helper()
	in := creating(object(t, `{"metadata": {"name": "edge", "namespace": "istio-system"}, "spec": `+spec+`}`))
	in.Clusters = map[string]policy.Cluster{"c1": {Registered: true, Reachable: true, Effective: object(t, spec), Mesh: policy.Mesh{Version: "1.26"}}}
	in.Mesh = policy.Mesh{Version: "1.26"}
	return in
}

// of are the findings of one rule, as people read them.
func of(code string, findings []policy.Finding) []string {
	var out []string
	for _, finding := range findings {
		if finding.Code == code {
			out = append(out, finding.String())
		}
	}
	return out
}

const teamRule = `# METADATA
# scope: package
# title: Team
# description: Somebody has to be called when a gateway misbehaves.
# custom:
#   fix: set the label team
package validate.team_label

import data.lib.result

deny contains finding if {
	not input.gateway.metadata.labels.team
	finding := result.finding(rego.metadata.chain(), {
		"field": "metadata.labels.team",
		"message": "must be the team that is called, is absent",
	})
}
`

func TestNewRuleIsANewFolderAndNothingElse(t *testing.T) {
	engine := newEngine(t, extended(t, map[string]string{"validate/team_label/team_label.rego": teamRule}))
	in := known(t, `{"clusterIds": ["c1"], "serviceType": "LoadBalancer"}`)
	verdict, err := engine.Validate(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	want := "team_label: metadata.labels.team: must be the team that is called, is absent (set the label team)"
	if got := of("team_label", verdict.Denials); len(got) != 1 || got[0] != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestCodeOfARuleIsItsFolder(t *testing.T) {
	moved := strings.ReplaceAll(teamRule, "validate.team_label", "validate.moved")
	engine := newEngine(t, extended(t, map[string]string{"validate/moved/moved.rego": moved}))
	verdict, err := engine.Validate(t.Context(), known(t, `{"clusterIds": ["c1"]}`))
	if err != nil {
		t.Fatal(err)
	}
	if len(of("moved", verdict.Denials)) != 1 || len(of("team_label", verdict.Denials)) != 0 {
		t.Errorf("got %v, want the finding under the code of its folder", verdict.Denials)
	}
}

func TestRuleThatContradictsABuiltInOne(t *testing.T) {
	_, err := policy.New(t.Context(), extended(t, map[string]string{
		"mutate/own_dns/own_dns.rego": strings.ReplaceAll(described, "A rule", "Own DNS") + "package mutate.own_dns\n\nfill[\"/spec/dnsPolicy\"] := \"Default\"\n",
	}), policy.Options{})
	expectError(t, err, `checking the defaults: rules mutate/defaults and mutate/own_dns must agree on /spec/dnsPolicy, want "ClusterFirst" and "Default"`)
}

func TestRuleThatContradictsABuiltInOneForSomeGateways(t *testing.T) {
	engine := newEngine(t, extended(t, map[string]string{
		"mutate/own_dns/own_dns.rego": strings.ReplaceAll(described, "A rule", "Own DNS") + "package mutate.own_dns\n\nfill[\"/spec/dnsPolicy\"] := \"Default\" if input.gateway.metadata.name == \"edge\"\n",
	}))
	_, err := engine.Mutate(t.Context(), known(t, `{"clusterIds": ["c1"]}`))
	expectError(t, err, `rules mutate/defaults and mutate/own_dns must agree on /spec/dnsPolicy, want "ClusterFirst" and "Default"`)
}

func TestBrokenRuleIsNeverAYes(t *testing.T) {
	for name, body := range map[string]string{
		"a string for a finding": `deny contains "no"`,
		"an error of a built-in": "deny contains finding if {\n\tto_number(input.gateway.metadata.name) > 1\n\tfinding := {}\n}",
		"a contradiction":        "number := 1\n\nnumber := 2\n\ndeny contains finding if {\n\tnumber > 1\n\tfinding := {}\n}",
	} {
		t.Run(name, func(t *testing.T) {
			engine := newEngine(t, extended(t, map[string]string{
				"validate/broken/broken.rego": described + "package validate.broken\n\n" + body + "\n",
			}))
			verdict, err := engine.Validate(t.Context(), known(t, `{"clusterIds": ["c1"]}`))
			if err == nil {
				t.Errorf("got %v, want an error", verdict)
			}
		})
	}
}

func TestPlatformTeamChangesParameters(t *testing.T) {
	engine, err := policy.New(t.Context(), policies.FS, policy.Options{Parameters: map[string]any{
		"namespace": map[string]any{"allowed": []any{"gateways"}},
		"defaults": map[string]any{
			"all":     map[string]any{"rollingMaxSurge": nil},
			"ingress": map[string]any{"replicaCount": 2.0, "podLabels": map[string]any{"team/name": "edge"}},
		},
	}})
	if err != nil {
		t.Fatal(err)
	}
	in := known(t, `{"clusterIds": ["c1"], "podLabels": {"own": "label"}}`)
	verdict, err := engine.Validate(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	want := "namespace: metadata.namespace: must be gateways, is istio-system (create the gateway in gateways)"
	if got := of("namespace", verdict.Denials); len(got) != 1 || got[0] != want {
		t.Errorf("got %q, want %q", got, want)
	}
	mutation, err := engine.Mutate(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	spec := apply(t, mutation, in.Gateway.(map[string]any))["spec"].(map[string]any)
	expectJSON(t, spec["podLabels"], `{"own": "label", "team/name": "edge"}`)
	expectJSON(t, spec["replicaCount"], "2")
	if surge, ok := spec["rollingMaxSurge"]; ok {
		t.Errorf("rollingMaxSurge is %v, want the default taken away", surge)
	}
}

func TestEachFindingIsSaidOnce(t *testing.T) {
	// Two clusters that are wrong in the same way are two findings; one that is named twice is still one.
	in := known(t, `{"clusterIds": ["c8", "c9"], "serviceType": "LoadBalancer"}`)
	verdict, err := newEngine(t, policies.FS).Validate(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	got := of("cluster_ids", verdict.Denials)
	if len(got) != 2 {
		t.Fatalf("got %q, want one for each cluster", got)
	}
	for i, id := range []string{"c8", "c9"} {
		want := fmt.Sprintf("cluster_ids: spec.clusterIds[%d]: must be the ID of a registered cluster, is %s (list the clusters with kubectl get gatewayclusters)", i, id)
		if got[i] != want {
			t.Errorf("got %q, want %q", got[i], want)
		}
	}
}

// TestRulesMayUse what gives the same answer to the same question.
func TestRulesMayUse(t *testing.T) {
	for _, call := range []string{
		`time.parse_rfc3339_ns(input.now)`,
		`regex.match("a", "b")`,
		`json.marshal(input)`,
		`units.parse("200m")`,
		`crypto.sha256("a")`,
		`semver.is_valid("1.2.3")`,
	} {
		name, _, _ := strings.Cut(call, "(")
		t.Run(name, func(t *testing.T) {
			newEngine(t, with(quiet(), map[string]string{
				"validate/rule/rule.rego": described + "package validate.rule\n\ndeny contains x if x := " + call + "\n",
			}))
		})
	}
}
