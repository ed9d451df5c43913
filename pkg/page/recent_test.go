package page

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"portcullis.dev/portcullis/pkg/decision"
	"portcullis.dev/portcullis/pkg/policy"
)

func TestRecentKeepsTheLastDecisionsTheNewestFirst(t *testing.T) {
	for _, made := range []int{0, 1, mostDecisions, mostDecisions + 1, 3*mostDecisions + 7} {
		recent := &Recent{}
		for i := range made {
			recent.Listen(decision.Record{ID: fmt.Sprint(i), Verdict: decision.Refused, Time: time.Unix(int64(i), 0)})
		}
		got := recent.latest()
		if len(got) != min(made, mostDecisions) {
			t.Fatalf("%d made: got %d, want %d", made, len(got), min(made, mostDecisions))
		}
		for i, is := range got {
			if want := fmt.Sprint(made - 1 - i); is.id != want {
				t.Fatalf("%d made: got %s at %d, want %s", made, is.id, i, want)
			}
		}
	}
}

func TestRecentLeavesOutWhatOnlyFilledIn(t *testing.T) {
	recent := &Recent{}
	recent.Listen(decision.Record{Webhook: "mutate", Verdict: decision.Admitted})
	recent.Listen(decision.Record{Webhook: "mutate", Verdict: decision.Undecided, ID: "kept"})
	recent.Listen(decision.Record{Webhook: "validate", Verdict: decision.Admitted, ID: "kept too"})
	if got := recent.latest(); len(got) != 2 || got[0].id != "kept too" || got[1].id != "kept" {
		t.Errorf("got %+v", got)
	}
}

func TestRecentKeepsAFewSentencesOfOneDecision(t *testing.T) {
	record := decision.Record{Verdict: decision.Refused, Kind: "GatewayPolicy", Name: "soft", Message: "and that is that"}
	for i := range mostFindings + 5 {
		record.Findings = append(record.Findings, decision.Finding{
			Finding: policy.Finding{Code: "ports", Field: fmt.Sprintf("spec.ports[%d]", i), Message: "must be"}, Enforcement: policy.Deny,
		})
	}
	got := keep(record)
	if len(got.sentences) != mostFindings+2 || got.sentences[mostFindings] != "and 5 more" || !strings.HasPrefix(got.sentences[0], "Deny: ports: spec.ports[0]") {
		t.Errorf("got %q", got.sentences)
	}
	if got.gateway != "GatewayPolicy soft" {
		t.Errorf("got %q, want what the decision is about", got.gateway)
	}
}
