package main

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"portcullis.dev/portcullis/pkg/review"
)

// recorded runs review for some gateways and returns the file of the decisions.
func recorded(t *testing.T, args ...string) string {
	t.Helper()
	log := t.TempDir() + "/decisions.jsonl"
	if got := reviewed(t, append(args, "--record", log)...); got.status == 2 {
		t.Fatalf("recording: %+v", got)
	}
	return log
}

// records reads the decisions of a file.
func records(t *testing.T, log string) []review.Record {
	t.Helper()
	text, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	var all []review.Record
	for line := range strings.Lines(string(text)) {
		record := review.Record{}
		if err := json.Unmarshal([]byte(line), &record); err != nil {
			t.Fatal(err)
		}
		all = append(all, record)
	}
	return all
}

// log writes records to a file.
func log(t *testing.T, all ...review.Record) string {
	t.Helper()
	var lines strings.Builder
	for _, record := range all {
		line, err := json.Marshal(record)
		if err != nil {
			t.Fatal(err)
		}
		lines.Write(append(line, '\n'))
	}
	return file(t, lines.String())
}

func TestReviewRecordsEachDecision(t *testing.T) {
	with := file(t, clusters("c1", "c2"))
	log := recorded(t, "--with", with, "--as", "jane", "--as-group", "web", "-f", file(t, edgeWith(`{clusterIds: [c1]}`)+"---\n"+named("other", edgeWith(`{clusterIds: [nowhere]}`))))
	all := records(t, log)
	if len(all) != 2 || all[0].DecisionID == "" || all[0].DecisionID == all[1].DecisionID {
		t.Fatalf("got %+v, want two decisions", all)
	}
	if all[0].Path != "main/validate" || all[0].Timestamp.IsZero() || all[0].Revision() == "" || len(all[0].Result.Deny) != 0 {
		t.Errorf("got %+v", all[0])
	}
	if deny := all[1].Result.Deny; len(deny) != 1 || deny[0].Code != "cluster_ids" {
		t.Errorf("got %v, want the refusal of the other one", deny)
	}
	// Only the cluster that is concerned, and the gateway as its author wrote it.
	if with := all[0].Custom.With; len(with) != 1 || with[0]["kind"] != "GatewayCluster" {
		t.Errorf("got %v, want c1", with)
	}
	if spec := all[0].Custom.Gateway["spec"].(map[string]any); len(spec) != 1 {
		t.Errorf("got %v, want nothing filled in", spec)
	}
	if got := reviewed(t, "--with", with, "-f", file(t, edgeWith(`{clusterIds: [c1]}`)), "--record", log); got.status != 0 {
		t.Fatal(got)
	}
	if again := records(t, log); len(again) != 3 {
		t.Errorf("got %d decisions, want the third appended", len(again))
	}
}

func TestReviewSaysWhenItCannotRecord(t *testing.T) {
	got := reviewed(t, "-f", file(t, edgeWith(`{clusterIds: [c1]}`)), "--record", t.TempDir())
	if got.status != 2 || !strings.Contains(got.errOut, "recording the decision: open ") {
		t.Errorf("got %+v", got)
	}
}

// What the schema refuses is no decision of any rule.
func TestReviewRecordsNothingThatNoRuleDecided(t *testing.T) {
	log := recorded(t, "-f", file(t, edgeWith(`{clusterIds: [c1], replicas: 1}`)))
	if _, err := os.Stat(log); !os.IsNotExist(err) {
		t.Errorf("got %v, want no file", err)
	}
}

func TestReplayFindsNoDifferenceWhereNothingChanged(t *testing.T) {
	for name, args := range map[string][]string{
		"a new gateway":              {"-f", file(t, edgeWith(`{clusterIds: [c1]}`)), "--with", file(t, clusters("c1"))},
		"with assumed clusters":      {"-f", file(t, edgeWith(`{clusterIds: [c1, c2]}`))},
		"a refused one":              {"-f", file(t, edgeWith(`{clusterIds: [nowhere], cpu: {targetAverageUtilization: 80}}`)), "--with", file(t, clusters("c1"))},
		"a change":                   {"-f", file(t, edgeWith(`{clusterIds: [c1], env: [{name: A, value: b}]}`)), "--old", file(t, edgeWith(`{clusterIds: [c1]}`)), "--with", file(t, clusters("c1"))},
		"a change with an old sin":   {"-f", file(t, edgeWith(`{clusterIds: [gone], replicaCount: 2}`)), "--old", file(t, edgeWith(`{clusterIds: [gone]}`)), "--with", file(t, clusters("c1"))},
		"the samples of the project": {"-f", "../../docs/samples/ingress.yaml", "-f", "../../docs/samples/managed.yaml", "--with", "../../docs/samples/clusters.yaml"},
	} {
		t.Run(name, func(t *testing.T) {
			got := policied(t, "replay", "--log", recorded(t, args...))
			if got.status != 0 || !strings.HasPrefix(got.out, "0 of ") || got.errOut != "" {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func TestReplayShowsWhichVerdictsDifferAndForWhom(t *testing.T) {
	labelled := strings.Replace(edgeWith(`{clusterIds: [c1]}`), "name: edge,", "name: edge, labels: {owner: web},", 1)
	log := recorded(t, "--as", "jane", "--with", file(t, clusters("c1")), "-f", file(t, labelled+"---\n"+named("other", edgeWith(`{clusterIds: [c1]}`))))
	started(t)
	got := policied(t, "replay", "--log", log, "rules")
	expect(t, got, 1, `GATEWAY              USER   OPERATION   THEN       NOW
istio-system/other   jane   CREATE      admitted   refused
  + owner: metadata.labels.owner: must say something, is "" (say here what to do, as a command where there is one)
1 of 2 decisions come out otherwise
`, "")
	result := decoded[replayed](t, policied(t, "replay", "--log", log, "--format", "json", "rules"))
	if result.Decisions != 2 || result.Different != 1 || result.Revision == "" || len(result.Differences) != 1 {
		t.Fatalf("got %+v", result)
	}
	one := result.Differences[0]
	if one.Name != "other" || one.User != "jane" || one.Then != "admitted" || one.Now != "refused" || len(one.Added) != 1 || len(one.Gone) != 0 || one.DecisionID == "" {
		t.Errorf("got %+v", one)
	}
}

func TestReplayShowsWhatIsNotSaidAnyMore(t *testing.T) {
	all := records(t, recorded(t, "-f", file(t, edgeWith(`{clusterIds: [c1]}`)), "--with", file(t, clusters("c1"))))
	all[0].Result.Deny = append(all[0].Result.Deny, finding("was", "spec.a"))
	all[0].Result.Warn = append(all[0].Result.Warn, finding("was", "spec.b"))
	expect(t, policied(t, "replay", "--log", log(t, all...)), 1, `GATEWAY             USER   OPERATION   THEN      NOW
istio-system/edge   -      CREATE      refused   admitted
  - Warning: was: spec.b: must not, does
  - was: spec.a: must not, does
1 of 1 decisions come out otherwise
`, "")
}

func TestReplayTakesTheVerdictOfAnUndecidedRecord(t *testing.T) {
	all := records(t, recorded(t, "-f", file(t, edgeWith(`{clusterIds: [c1]}`)), "--with", file(t, clusters("c1"))))
	all[0].Result, all[0].Error = nil, &review.RecordError{Message: "too late"}
	got := policied(t, "replay", "--log", log(t, all...))
	if got.status != 1 || !strings.Contains(got.out, "undecided   admitted\n  - too late\n") {
		t.Errorf("got %+v", got)
	}
}

func TestReplayShowsWhatCannotBeDecided(t *testing.T) {
	log := recorded(t, "-f", file(t, edgeWith(`{clusterIds: [c1]}`)), "--with", file(t, clusters("c1")))
	started(t)
	rewrite(t, ownerRule, "labelled if", "warn contains 1 if input.gateway\n\nlabelled if")
	got := policied(t, "replay", "--log", log, "rules")
	if got.status != 1 || !strings.Contains(got.out, "admitted   undecided\n  + reading the answer of the validating rules: ") {
		t.Errorf("got %+v", got)
	}
}

// A log of the webhook has deletions, and gateways as they were filled in.
func TestReplayDecidesEveryOperation(t *testing.T) {
	with := file(t, clusters("c1"))
	all := records(t, recorded(t, "-f", file(t, edgeWith(`{clusterIds: [c1], replicaCount: 2}`)), "--old", file(t, edgeWith(`{clusterIds: [c1]}`)), "--with", with))
	filled := all[0]
	filled.Custom.Gateway = nil
	deletion := filled
	var input map[string]any
	if err := json.Unmarshal(deletion.Input, &input); err != nil {
		t.Fatal(err)
	}
	delete(input, "gateway")
	input["request"].(map[string]any)["operation"] = "DELETE"
	text, err := json.Marshal(input)
	if err != nil {
		t.Fatal(err)
	}
	deletion.Input = text
	expect(t, policied(t, "replay", "--log", log(t, filled, deletion)), 0, "0 of 2 decisions come out otherwise\n", "")
}

func TestReplayReadsStandardInput(t *testing.T) {
	text, err := os.ReadFile(recorded(t, "-f", file(t, edgeWith(`{clusterIds: [c1]}`))))
	if err != nil {
		t.Fatal(err)
	}
	expect(t, portcullis(t, "\n"+string(text)+"\n", "policy", "replay", "--log", "-"), 0, "0 of 1 decisions come out otherwise\n", "")
}

func TestReplayRefusesWhatIsNoLog(t *testing.T) {
	for text, says := range map[string]string{
		"":           "there must be a decision, is none\n",
		"\n\n":       "there must be a decision, is none\n",
		"{}\n\n{":    "line 3 must be a decision: unexpected end of JSON input\n",
		`{"path":1}`: "line 1 must be a decision: json: cannot unmarshal number into Go struct field Record.path of type string\n",
	} {
		log := file(t, text)
		expect(t, policied(t, "replay", "--log", log), 2, "", "error: reading "+log+": "+says)
	}
	for text, says := range map[string]string{
		`{"decision_id": "a"}`:              "replaying decision 1 (a): reading the input: unexpected end of JSON input\n",
		`{"decision_id": "a", "input": {}}`: `replaying decision 1 (a): record must have input.request.operation and input.now, has "" and 0001-01-01 00:00:00 +0000 UTC` + "\n",
		`{"decision_id": "a", "input": {"request": {"operation": "CREATE"}, "now": "2026-11-25T20:00:00Z"}}`:                                                          "replaying decision 1 (a): request.gateway must hold the IstioGateway on CREATE, is empty\n",
		`{"decision_id": "a", "input": {"request": {"operation": "DELETE"}, "now": "2026-11-25T20:00:00Z"}}`:                                                          "replaying decision 1 (a): request.old must hold the IstioGateway on DELETE, is empty\n",
		`{"decision_id": "a", "custom": {"with": [{"kind": "Secret"}]}, "input": {"gateway": {}, "request": {"operation": "CREATE"}, "now": "2026-11-25T20:00:00Z"}}`: "replaying decision 1 (a): --with takes GatewayClusters, GatewayPolicies and ChangeApprovals of portcullis.dev/v1alpha1, and IstioGateways, found /, Kind=Secret \n",
	} {
		expect(t, policied(t, "replay", "--log", file(t, text)), 2, "", "error: "+says)
	}
	expect(t, policied(t, "replay"), 2, "", "error: --log must name a file with decisions, is empty\n")
	expect(t, policied(t, "replay", "--log", "nowhere"), 2, "", "error: reading nowhere: open nowhere: no such file or directory\n")
}

// Rules of a GatewayPolicy speak in their own name, with the policy's parameters.
func TestReplayAsksTheRulesOfGatewayPolicies(t *testing.T) {
	log := recorded(t, "-f", file(t, edgeWith(`{clusterIds: [c1]}`)), "--with", file(t, clusters("c1")))
	workshop(t, "rules/own/team_a/parameters.yaml", "namespace:\n  allowed: [elsewhere]\n")
	if got := policied(t, "new", "owner", "--policy", "team-a", "--dir", "rules"); got.status != 0 {
		t.Fatal(got)
	}
	got := policied(t, "replay", "--log", log, "rules")
	for _, part := range []string{"admitted   refused\n", "  + owner: metadata.labels.owner: must say something", "  + namespace: metadata.namespace: must be elsewhere, is istio-system"} {
		if got.status != 1 || !strings.Contains(got.out, part) {
			t.Errorf("got %+v, want it to say %q", got, part)
		}
	}
	if bench := policied(t, "bench", "--time", "1ms", "--top", "0", "rules"); bench.status != 0 || !strings.Contains(bench.out, "own/team_a/validate/owner") {
		t.Errorf("got %+v, want the own rule measured", bench)
	}
}
