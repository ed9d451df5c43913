package main

import (
	"flag"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"portcullis.dev/portcullis/policies"
)

// revisionIn finds the revision of the rules.
var revisionIn = regexp.MustCompile(`\b[0-9a-f]{12}\b`)

var update = flag.Bool("update", false, "write the goldens of audit as they are now")

// auditOf runs audit, with nothing on standard input.
func auditOf(t *testing.T, args ...string) outcome {
	t.Helper()
	return portcullis(t, "", append([]string{"audit"}, args...)...)
}

// auditGateways are four gateways in a file: in order, with a warning, refused, and, in a list, refused by two rules.
const auditGateways = `# The gateways of the shop.

apiVersion: istio.alibabacloud.com/v1beta1
kind: IstioGateway
metadata: {name: fine, namespace: istio-system, labels: {owner: web}}
spec: {clusterIds: [c1]}
---
apiVersion: istio.alibabacloud.com/v1beta1
kind: IstioGateway
metadata: {name: told, namespace: istio-system, labels: {owner: web, tier: test}}
spec: {clusterIds: [c1]}
---
# Nobody's.
apiVersion: istio.alibabacloud.com/v1beta1
kind: IstioGateway
metadata: {name: stray, namespace: istio-system}
spec: {clusterIds: [c1]}
---
apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: ConfigMap
  metadata: {name: listed}
- apiVersion: istio.alibabacloud.com/v1
  kind: IstioGateway
  metadata:
    namespace: istio-system
    name: "listed" # <- here
    labels: {tier: test}
  spec: {clusterIds: [c1]}
`

// auditRules is a folder with two rules: of every gateway an owner is wanted, and of a test it is told that it is one.
func auditRules(t *testing.T) string {
	t.Helper()
	main, err := policies.FS.ReadFile("main/main.rego")
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	for name, text := range map[string]string{
		"main/main.rego": string(main),
		"validate/owner/owner.rego": `# METADATA
# title: Owner
# description: At night somebody must be woken.
# related_resources:
#   - ref: https://example.com/on-call
#     description: On-call handbook
# custom:
#   fix: set the label owner
package validate.owner

deny contains finding if {
	not input.gateway.metadata.labels.owner
	finding := {"code": "owner", "field": "metadata.labels.owner", "message": "must be a team, is absent", "fix": "set the label owner"}
}
`,
		"validate/tier/tier.rego": `# METADATA
# title: Tier
# description: Tests come and go.
package validate.tier

warn contains finding if {
	input.gateway.metadata.labels.tier == "test"
	finding := {"code": "tier", "field": "metadata.labels.tier", "message": "must be looked at, is \"test\" & <old>", "fix": ""}
}
`,
	} {
		path := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

// auditFile writes gateways where a golden can name them: paths are as they were given.
func auditFile(t *testing.T, text string) string {
	t.Helper()
	t.Chdir(t.TempDir())
	if err := os.WriteFile("gateways.yaml", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return "gateways.yaml"
}

// golden compares with a file of testdata/audit, or writes it. The revision of the rules is no part of it.
func golden(t *testing.T, folder, name string, got outcome) {
	t.Helper()
	path := filepath.Join(folder, "testdata", "audit", name)
	text := got.out
	if found := revisionIn.FindString(text); found != "" {
		text = strings.ReplaceAll(text, found, "REVISION")
	}
	if *update {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if text != string(want) {
		t.Errorf("%s: got\n%s\nwant\n%s", name, text, want)
	}
}

func TestAuditPrintsInEachWayWhatItsReadersBuildOn(t *testing.T) {
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	rules, with := auditRules(t), file(t, clusters("c1"))
	gateways := auditFile(t, auditGateways)
	for output, name := range map[string]string{"table": "out.txt", "json": "out.json", "yaml": "out.yaml", "sarif": "out.sarif", "junit": "out.xml"} {
		got := auditOf(t, "-f", gateways, "--with", with, "--rules", rules, "-o", output)
		if got.status != 1 || got.errOut != "" {
			t.Errorf("%s: got exit status %d, want 1; %s", output, got.status, got.errOut)
		}
		golden(t, here, name, got)
	}
}

func TestAuditExitsByWhatItFound(t *testing.T) {
	fine := edgeWith(`{clusterIds: [c1]}`)
	warned := edgeWith(`{clusterIds: [c1], cpu: {targetAverageUtilization: 80}}`)
	refused := edgeWith(`{clusterIds: [c9]}`)
	unread := strings.Replace(fine, "/v1beta1", "/v9", 1)
	tests := map[string]struct {
		gateways string
		status   int
		verdict  string
	}{
		"0 when it is in order":           {fine, 0, "admitted"},
		"0 when it is warned of":          {warned, 0, "warned"},
		"1 when it would be refused":      {refused, 1, "refused"},
		"1 when the schema would refuse":  {edgeWith(`{clusterIds: [c1], replicas: 3}`), 1, "refused"},
		"2 when it could not be decided":  {unread, 2, "undecided"},
		"2 when one of several could not": {unread + "---\n" + refused, 2, "undecided"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := auditOf(t, "-f", file(t, test.gateways), "--with", file(t, clusters("c1")), "-o", "json")
			if result := decoded[audited](t, got); got.status != test.status || result.Results[0].Verdict != test.verdict {
				t.Errorf("got exit status %d and %+v, want %d and %s", got.status, result, test.status, test.verdict)
			}
		})
	}
}

// What cannot be decided is told in each way, and the others are told all the same.
func TestAuditTellsInEachWayWhatCouldNotBeDecided(t *testing.T) {
	gateways := file(t, strings.Replace(edgeWith(`{clusterIds: [c1]}`), "/v1beta1", "/v9", 1)+"---\n"+named("bad", edgeWith(`{clusterIds: [c9]}`)))
	for output, want := range map[string][]string{
		"table": {"istiogateway istio-system/edge: could not be decided: apiVersion must be one of", "istiogateway istio-system/bad: would be refused", "1 could not be decided"},
		"json":  {`"verdict": "undecided"`, `"undecided": 1`, `"error": "apiVersion must be one of`},
		"yaml":  {"verdict: undecided", "undecided: 1"},
		"sarif": {`"executionSuccessful": false`, `"toolExecutionNotifications"`, `"ruleId": "cluster_ids"`},
		"junit": {`errors="1"`, `<error message="apiVersion must be one of`, `<failure message="spec.clusterIds[0]: must be the ID`},
	} {
		got := auditOf(t, "-f", gateways, "--with", file(t, clusters("c1")), "-o", output)
		if got.status != 2 || got.errOut != "error: 1 of 2 gateways must be decided, are not\n" {
			t.Errorf("%s: got exit status %d and %s", output, got.status, got.errOut)
		}
		for _, part := range want {
			if !strings.Contains(got.out, part) {
				t.Errorf("%s: got\n%s\nwant in it %s", output, got.out, part)
			}
		}
	}
}

func TestAuditAsksOnlyAboutWhatIsSelected(t *testing.T) {
	gateways := file(t, auditGateways)
	for selector, want := range map[string][]string{"owner=web": {"fine", "told"}, "owner=web,tier!=test": {"fine"}, "!owner": {"listed", "stray"}, "": {"fine", "listed", "stray", "told"}} {
		result := decoded[audited](t, auditOf(t, "-f", gateways, "-l", selector, "-o", "json"))
		var names []string
		for _, one := range result.Results {
			names = append(names, one.Name)
		}
		if slices.Sort(names); !slices.Equal(names, want) {
			t.Errorf("%q: got %v, want %v", selector, names, want)
		}
	}
}

func TestAuditTriesAPolicyBeforeItHolds(t *testing.T) {
	gateways, known := file(t, auditGateways), clusters("c1")
	if got := auditOf(t, "-f", gateways, "--with", file(t, known)); got.status != 0 {
		t.Fatalf("without it something is refused: %v", got)
	}
	tried := auditOf(t, "-f", gateways, "--with", file(t, known+"---\n"+ownerPolicy("must have an owner, has none")))
	if tried.status != 1 || strings.Count(tried.out, "owner: metadata.labels: must have an owner, has none") != 2 {
		t.Errorf("got %v, want two gateways refused", tried)
	}
	// A folder of rules goes before the policy of its name, and beside those of others.
	folder := t.TempDir()
	if err := os.MkdirAll(filepath.Join(folder, "own", "acme", "validate", "owner"), 0o755); err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(ownerModule("must be owned, is not"), "package owner", "package own.acme.validate.owner")
	if err := os.WriteFile(filepath.Join(folder, "own", "acme", "validate", "owner", "owner.rego"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	both := auditOf(t, "-f", gateways, "--with", file(t, known+"---\n"+ownerPolicy("must have an owner, has none")), "--rules", folder)
	if both.status != 1 || strings.Count(both.out, "must be owned, is not") != 2 || strings.Contains(both.out, "has none") {
		t.Errorf("got %v, want the folder's sentence alone", both)
	}
}

// ownerModule is a rule that wants an owner.
func ownerModule(message string) string {
	return `# METADATA
# title: Owner
# description: At night somebody must be woken.
package owner

deny contains finding if {
	not input.gateway.metadata.labels.owner
	finding := {"code": "owner", "field": "metadata.labels", "message": "` + message + `", "fix": ""}
}
`
}

// ownerPolicy is the GatewayPolicy of that rule.
func ownerPolicy(message string) string {
	module := strings.Replace(ownerModule(message), "package owner", "package own.acme.validate.owner", 1)
	return "apiVersion: portcullis.dev/v1alpha1\nkind: GatewayPolicy\nmetadata: {name: acme}\nspec:\n  modules:\n    validate/owner/owner.rego: |\n" +
		block(module, 6)
}

func TestAuditRefusesWhatItCannotUse(t *testing.T) {
	edge := file(t, edgeWith(`{clusterIds: [c1]}`))
	tests := map[string]struct {
		args []string
		want string
	}{
		"an output that there is not": {[]string{"-f", edge, "-o", "xml"}, `--output must be one of table, json, yaml, sarif, junit, is "xml"`},
		"a selector that is none":     {[]string{"-f", edge, "-l", "a in b"}, `--selector must be a selector of labels, is "a in b"`},
		"standard input twice":        {[]string{"-f", "-", "--with", "-"}, "--filename and --with must not both read standard input"},
		"a file without a gateway":    {[]string{"-f", file(t, clusters("c1"))}, "--filename must name files with an IstioGateway to audit, found none in"},
		"a folder without rules":      {[]string{"-f", edge, "--rules", t.TempDir()}, ""},
		"no cluster at all":           {[]string{"--kubeconfig", filepath.Join(t.TempDir(), "none")}, "reading the kubeconfig: "},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := auditOf(t, test.args...)
			if got.status != 2 || got.out != "" || !strings.HasPrefix(got.errOut, "error: "+test.want) {
				t.Errorf("got exit status %d\n%s%swant 2 and\n%s", got.status, got.out, got.errOut, test.want)
			}
		})
	}
}

// One misspelt gateway must not keep the others from being audited.
func TestAuditGoesOnBesideAGatewayThatCannotBeRead(t *testing.T) {
	onHost := `{clusterIds: [c1], hostNetwork: true, dnsPolicy: ClusterFirstWithHostNet}`
	gateways := file(t, edgeWith(onHost)+"---\n"+named("bad", edgeWith(`{clusterIds: c1}`)))
	result := decoded[audited](t, auditOf(t, "-f", gateways, "--with", file(t, clusters("c1")), "-o", "json"))
	verdicts := map[string]string{}
	for _, one := range result.Results {
		verdicts[one.Name] = one.Verdict
	}
	if want := map[string]string{"edge": "warned", "bad": "refused"}; !maps.Equal(verdicts, want) {
		t.Errorf("got %v, want %v", verdicts, want)
	}
}
