package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"portcullis.dev/portcullis/pkg/api/v1alpha1"
	"portcullis.dev/portcullis/pkg/policy"
	"portcullis.dev/portcullis/pkg/policy/author"
	"portcullis.dev/portcullis/policies"
)

// policied runs policy, with nothing on standard input.
func policied(t *testing.T, args ...string) outcome {
	t.Helper()
	return portcullis(t, "", append([]string{"policy"}, args...)...)
}

// workshop is a folder of an author, and the current one. Files are written by their path and text.
func workshop(t *testing.T, files ...string) {
	t.Helper()
	t.Chdir(t.TempDir())
	for i := 0; i < len(files); i += 2 {
		if err := os.MkdirAll(filepath.Dir(files[i]), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(files[i], []byte(files[i+1]), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// started is a workshop with a new rule of a library in rules/.
func started(t *testing.T) {
	t.Helper()
	workshop(t)
	if got := policied(t, "new", "owner", "--dir", "rules"); got.status != 0 {
		t.Fatalf("starting a rule: %+v", got)
	}
}

// rewrite replaces a text in a file.
func rewrite(t *testing.T, file, old, text string) {
	t.Helper()
	was, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(was), old) {
		t.Fatalf("%s does not have %q", file, old)
	}
	if err := os.WriteFile(file, []byte(strings.Replace(string(was), old, text, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
}

const (
	ownerRule = "rules/validate/owner/owner.rego"
	ownerTest = "rules/validate/owner/owner_test.rego"
)

func TestPolicyListsItsCommands(t *testing.T) {
	got := policied(t, "--help")
	for _, command := range []string{"bench", "docs", "lint", "new", "pack", "replay", "test"} {
		if !strings.Contains(got.out, "\n  "+command+" ") {
			t.Errorf("%s is not in\n%s", command, got.out)
		}
		help := policied(t, command, "--help")
		if help.status != 0 || !strings.Contains(help.out, "Examples:") || !strings.Contains(help.out, "kubectl portcullis policy "+command) {
			t.Errorf("help of %s is\n%s", command, help.out)
		}
	}
}

func TestPolicyNewSaysWhatItWrote(t *testing.T) {
	workshop(t)
	expect(t, policied(t, "new", "owner", "--policy", "team-a", "--dir", "rules"), 0,
		"rules/own/team_a/validate/owner/owner.rego\nrules/own/team_a/validate/owner/owner_test.rego\n", "")
	expect(t, policied(t, "new", "owner", "--mutate"), 0, "mutate/owner/owner.rego\nmutate/owner/owner_test.rego\n", "")
	expect(t, policied(t, "new", "owner", "--mutate"), 2, "", "error: starting the rule: mutate/owner must not be there yet, is\n")
	expect(t, policied(t, "new"), 2, "", "error: accepts 1 arg(s), received 0\n")
	expect(t, policied(t, "new", "Owner"), 2, "", `error: starting the rule: name of a rule must be lower-case letters, digits and underscores, begin with a letter and be no word of Rego, is "Owner"`+"\n")
}

func TestPolicyTestPasses(t *testing.T) {
	started(t)
	const passed = "4 tests passed, 0 failed; 8 of 8 lines covered, 100 % (at least 100 % wanted)\n"
	expect(t, policied(t, "test", "rules"), 0, passed, "")
	expect(t, policied(t, "test", "rules/validate/owner", "rules"), 0, passed, "")
	t.Chdir("rules/validate/owner")
	expect(t, policied(t, "test"), 0, passed, "")
}

func TestPolicyTestAddsUpLibraries(t *testing.T) {
	started(t)
	if got := policied(t, "new", "owner", "--dir", "others", "--mutate"); got.status != 0 {
		t.Fatal(got)
	}
	expect(t, policied(t, "test", "rules", "others"), 0, "6 tests passed, 0 failed; 9 of 9 lines covered, 100 % (at least 100 % wanted)\n", "")
}

func TestPolicyTestShowsFailuresAndUncoveredLines(t *testing.T) {
	started(t)
	rewrite(t, ownerTest, `said({"owner": "a"}) == {}`, `said({"owner": "a"}) == refusal`)
	rewrite(t, ownerRule, "labelled if", "unused := 1 if input.never\n\nlabelled if")
	got := policied(t, "test", "rules")
	expect(t, got, 1, `rules/validate/owner/owner_test.rego:20: test_accepts_a_gateway_with_the_label failed
  at rules/validate/owner/owner_test.rego:20, not true:
    said({"owner": "a"}) == refusal
    |                       |
    |                       {"metadata.labels.owner": "must say something, is \"\""}
    {}

rules/validate/owner/owner.rego:22: covered by no test
3 tests passed, 1 failed; 8 of 9 lines covered, 88.9 % (at least 100 % wanted)
`, "")
	if wide := widest(got.out); wide > 100 {
		t.Errorf("is %d columns wide", wide)
	}
}

// widest is the length of the longest line.
func widest(text string) int {
	most := 0
	for line := range strings.SplitSeq(text, "\n") {
		most = max(most, len([]rune(line)))
	}
	return most
}

func TestPolicyTestWantsAsMuchCoverageAsItIsTold(t *testing.T) {
	started(t)
	rewrite(t, ownerRule, "labelled if", "unused := 1 if input.never\n\nlabelled if")
	for _, test := range []struct {
		least  string
		status int
	}{{"100", 1}, {"89", 1}, {"88", 0}, {"0", 0}} {
		if got := policied(t, "test", "rules", "--min-coverage", test.least); got.status != test.status {
			t.Errorf("--min-coverage %s: got %+v, want exit status %d", test.least, got, test.status)
		}
	}
	expect(t, policied(t, "test", "--min-coverage", "101"), 2, "", "error: --min-coverage must be between 0 and 100, is 101\n")
	expect(t, policied(t, "test", "--min-coverage", "-1"), 2, "", "error: --min-coverage must be between 0 and 100, is -1\n")
}

func TestPolicyTestShowsWhatTestsPrintAndSkip(t *testing.T) {
	started(t)
	rewrite(t, ownerTest, "test_refuses_an_empty_label if said", "todo_test_later if false\n\ntest_printing if {\n\tprint(\"a\", 1)\n\tfalse\n}\n\ntest_error if to_number(\"a\")\n\ntest_refuses_an_empty_label if said")
	got := policied(t, "test", "rules")
	for _, part := range []string{"  printed:\n    a 1\n", "test_error failed\n  ", "to_number", "4 tests passed, 2 failed, 1 skipped; "} {
		if !strings.Contains(got.out, part) {
			t.Errorf("%s\ndoes not show %q", got.out, part)
		}
	}
}

func TestPolicyTestPrintsJSON(t *testing.T) {
	started(t)
	rewrite(t, ownerTest, `said({"owner": "a"}) == {}`, `said({"owner": "a"}) == refusal`)
	run := policied(t, "test", "rules", "--format", "json")
	got := decoded[testResult](t, run)
	if run.status != 1 || got.Pass || got.Passed != 3 || got.Failed != 1 || got.Coverage != 100 || got.MinCoverage != 100 {
		t.Errorf("got %d and %+v", run.status, got)
	}
	if len(got.Failures) != 1 || got.Failures[0].At != ownerTest+":20" || !strings.Contains(run.out, `"uncovered": []`) {
		t.Errorf("got\n%s", run.out)
	}
}

func TestPolicyCommandsSayWhyTheyCouldNot(t *testing.T) {
	workshop(t, "empty/validate/a.txt", "", "broken/validate/a/a.rego", "package validate.a\n\nb := c\n", "file", "")
	for _, command := range []string{"test", "lint", "docs", "pack", "bench"} {
		expect(t, policied(t, command, "nowhere"), 2, "", "error: stat "+here(t)+"/nowhere: no such file or directory\n")
		expect(t, policied(t, command, "file"), 2, "", "error: file must be a folder, is a file\n")
		expect(t, policied(t, command, "empty"), 2, "", "error: reading the rules: there must be Rego in empty, is none\n")
	}
	for _, command := range []string{"test", "lint", "bench", "replay"} {
		expect(t, policied(t, command, "--format", "xml"), 2, "", "error: --format must be one of table, json, is \"xml\"\n")
	}
	expect(t, policied(t, "test", "broken"), 2, "", "error: compiling: 1 error occurred: broken/validate/a/a.rego:3: rego_unsafe_var_error: var c is unsafe\n")
	got := policied(t, "bench", "broken")
	if got.status != 2 || !strings.HasPrefix(got.errOut, "error: compiling the rules: ") {
		t.Errorf("got %+v", got)
	}
}

// here is the current folder.
func here(t *testing.T) string {
	t.Helper()
	folder, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	return folder
}

func TestPolicyLintSaysWhatIsNotAsItMustBe(t *testing.T) {
	started(t)
	expect(t, policied(t, "lint", "rules"), 0, "", "")
	rewrite(t, ownerRule, "labelled if label", "labelled if   label")
	rewrite(t, ownerRule, "package validate.owner", "package validate.owners")
	const said = `rules/validate/owner/owner.rego:9:1: package: must be validate.owner, as its folder, is validate.owners (rename the package, or move the file)
rules/validate/owner/owner.rego:22:1: format: must be as opa fmt writes it, is not (run kubectl portcullis policy lint --fix)
`
	expect(t, policied(t, "lint", "rules"), 1, said, "")
	findings := decoded[[]author.Finding](t, policied(t, "lint", "rules", "--format", "json"))
	if len(findings) != 2 || findings[0].Check != "package" || findings[0].Line != 9 || findings[1].Fix == "" {
		t.Errorf("got %+v", findings)
	}
	expect(t, policied(t, "lint", "rules", "--fix"), 1, said[:strings.Index(said, "\n")+1], "")
	text, err := os.ReadFile(ownerRule)
	if err != nil || !strings.Contains(string(text), "\nlabelled if label != \"\"\n") {
		t.Errorf("got %v and\n%s\nwant it formatted", err, text)
	}
	rewrite(t, ownerRule, "package validate.owners", "package validate.owner")
	expect(t, policied(t, "lint", "rules", "--format", "json"), 0, "[]\n", "")
}

func TestPolicyLintFixLeavesAloneWhatItCannotRead(t *testing.T) {
	workshop(t, "validate/a/a.rego", "package validate.a\n\nb := [\n")
	if got := policied(t, "lint", "--fix"); got.status != 1 || !strings.Contains(got.out, "validate/a/a.rego:4:1: syntax: ") {
		t.Errorf("got %+v", got)
	}
	text, err := os.ReadFile("validate/a/a.rego")
	if err != nil || string(text) != "package validate.a\n\nb := [\n" {
		t.Errorf("got %q and %v", text, err)
	}
}

func TestPolicyDocsWritesThePage(t *testing.T) {
	started(t)
	got := policied(t, "docs", "rules")
	if got.status != 0 || !strings.Contains(got.out, "\n### owner\n\n**Owner.** Say here why") || strings.Contains(got.out, "### ports") {
		t.Errorf("got %+v, want the page of the one rule", got)
	}
	if carried := policied(t, "docs"); carried.status != 0 || !strings.Contains(carried.out, "\n### ports\n") {
		t.Errorf("got %+v, want the page of the rules that the binary carries", carried)
	}
}

// The page in the repository is the one of the rules in the repository; make verify says so too, for all that is
// generated.
func TestThePageOfRulesIsFresh(t *testing.T) {
	want, err := os.ReadFile("../../docs/rules.md")
	if err != nil {
		t.Fatal(err)
	}
	if got := policied(t, "docs", "../../policies"); got.out != string(want) {
		t.Error("docs/rules.md is stale (run: make generate)")
	}
}

func TestPolicyPackMakesGatewayPolicies(t *testing.T) {
	workshop(t, "rules/own/acme/parameters.yaml", "owner:\n  teams: [web]\n")
	for _, args := range [][]string{{"owner", "--policy", "acme"}, {"tier", "--policy", "team-b", "--mutate"}} {
		if got := policied(t, append([]string{"new", "--dir", "rules"}, args...)...); got.status != 0 {
			t.Fatal(got)
		}
	}
	got := policied(t, "pack", "rules")
	if got.status != 0 {
		t.Fatal(got)
	}
	objects, err := read(strings.NewReader(got.out), []string{"-"})
	if err != nil || len(objects) != 2 {
		t.Fatalf("got %v and %v, want two objects in\n%s", objects, err, got.out)
	}
	for i, want := range []struct{ name, parameters, module, test string }{
		{"acme", `{"owner":{"teams":["web"]}}`, "validate/owner/owner.rego", "validate/owner/owner_test.rego"},
		{"team-b", `null`, "mutate/tier/tier.rego", "mutate/tier/tier_test.rego"},
	} {
		object := objects[i]
		spec := object.Object["spec"].(map[string]any)
		if object.GetKind() != "GatewayPolicy" || object.GetAPIVersion() != "portcullis.dev/v1alpha1" || object.GetName() != want.name {
			t.Errorf("got %s %s %s", object.GetAPIVersion(), object.GetKind(), object.GetName())
		}
		if text, err := json.Marshal(spec["parameters"]); err != nil || string(text) != want.parameters {
			t.Errorf("got parameters %s and %v", text, err)
		}
		root := filepath.Join("rules/own", author.PackageOf(want.name))
		for field, name := range map[string]string{"modules": want.module, "tests": want.test} {
			text, err := os.ReadFile(filepath.Join(root, name))
			if err != nil {
				t.Fatal(err)
			}
			if files := spec[field].(map[string]any); len(files) != 1 || files[name] != string(text) {
				t.Errorf("got %s %v, want %s as it is", field, files, name)
			}
		}
	}
}

func TestPolicyPackRefusesWhatItCannotPack(t *testing.T) {
	started(t)
	expect(t, policied(t, "pack", "rules"), 2, "", "error: rules must have rules in own/<policy>/, has none (start one with kubectl portcullis policy new NAME --policy POLICY)\n")
	workshop(t, "rules/own/acme/validate/a/a.rego", "package own.acme.validate.a\n\n# \x01\n")
	if got := policied(t, "pack", "rules"); got.status != 2 || !strings.Contains(got.errOut, "packing acme: rules must be text that YAML can hold") {
		t.Errorf("got %+v", got)
	}
	workshop(t, "rules/own/acme/validate/a/a.rego", "package own.acme.validate.a\n\na := 1")
	expect(t, policied(t, "pack", "rules"), 2, "", "error: packing acme: validate/a/a.rego must be text that YAML can hold, is not (run kubectl portcullis policy lint --fix)\n")
}

func TestPolicyBenchMeasures(t *testing.T) {
	got := policied(t, "bench", "--time", "1ms", "--top", "3")
	if got.status != 0 || widest(got.out) > 100 {
		t.Fatalf("got %+v, %d columns wide", got, widest(got.out))
	}
	lines := strings.Split(strings.TrimSpace(got.out), "\n")
	if len(lines) != 8 || !strings.HasPrefix(lines[0], "GATEWAY") || !strings.HasPrefix(lines[1], "istio-system/sample   2  ") ||
		!strings.HasPrefix(lines[2], "istio-system/sample   50 ") || !strings.HasPrefix(lines[4], "RULE") {
		t.Errorf("got\n%s\nwant two gateways and three rules", got.out)
	}
}

func TestPolicyBenchMeasuresOwnGatewaysWithChangedRules(t *testing.T) {
	started(t)
	got := decoded[benchmark](t, policied(t, "bench", "-f", file(t, edgeWith(`{clusterIds: [c1]}`)), "--with", file(t, clusters("c1")), "--time", "1ms", "--top", "0", "--format", "json", "rules"))
	if len(got.Decisions) != 1 {
		t.Fatalf("got %+v, want one gateway", got.Decisions)
	}
	one := got.Decisions[0]
	if one.Gateway != "istio-system/edge" || one.Clusters != 1 || one.Runs < 1 || one.Median <= 0 || one.P99 < one.Median || one.Allocations == 0 || one.Bytes == 0 {
		t.Errorf("got %+v", one)
	}
	seen := map[string]bool{}
	for _, rule := range got.Rules {
		seen[rule.Rule] = true
	}
	if !seen["validate/owner"] || !seen["validate/ports"] {
		t.Errorf("got %v, want the new rule among the others", got.Rules)
	}
}

func TestPolicyBenchRefusesWhatItCannotMeasure(t *testing.T) {
	expect(t, policied(t, "bench", "--time", "0s"), 2, "", "error: --time must be above 0 and --top at least 0, are 0s and 10\n")
	expect(t, policied(t, "bench", "--top", "-1"), 2, "", "error: --time must be above 0 and --top at least 0, are 1s and -1\n")
	nowhere := file(t, clusters("c1"))
	expect(t, policied(t, "bench", "-f", nowhere), 2, "", fmt.Sprintf("error: --filename must name files with an IstioGateway, found none in [%s]\n", nowhere))
	got := policied(t, "bench", "-f", file(t, edgeWith(`{clusterIds: [c1], replicas: 1}`)))
	if got.status != 2 || !strings.Contains(got.errOut, "istio-system/edge must be one that the schema lets through to the rules, is not: schema: spec.replicas") {
		t.Errorf("got %+v", got)
	}
}

// What kubectl apply would check is what the guard checks of a policy: that it compiles and that its own tests pass.
func TestTheGuardTakesWhatIsPacked(t *testing.T) {
	workshop(t)
	for _, args := range [][]string{{"owner"}, {"tier", "--mutate"}} {
		if got := policied(t, append([]string{"new", "--policy", "team-a"}, args...)...); got.status != 0 {
			t.Fatal(got)
		}
	}
	var packed v1alpha1.GatewayPolicy
	if err := yaml.UnmarshalStrict([]byte(policied(t, "pack").out), &packed); err != nil {
		t.Fatal(err)
	}
	options := policy.Options{Policies: []policy.Policy{{Name: packed.Name, Modules: packed.Spec.Modules, Tests: packed.Spec.Tests}}}
	if err := policy.Check(t.Context(), policies.FS, options, packed.Name); err != nil {
		t.Errorf("refused: %v", err)
	}
}
