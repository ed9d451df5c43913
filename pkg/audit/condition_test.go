package audit

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/policy"
)

// said are findings of some rules.
func said(codes ...string) []policy.Finding {
	var out []policy.Finding
	for _, code := range codes {
		out = append(out, policy.Finding{Code: code, Field: "spec", Message: "must not, does"})
	}
	return out
}

func TestVerdictSaysWhatTheRulesWouldDo(t *testing.T) {
	tests := map[string]struct {
		findings  []Finding
		undecided error
		status    metav1.ConditionStatus
		reason    string
		message   string
		counts    *v1beta1.AuditStatus
	}{
		"nothing": {nil, nil, metav1.ConditionTrue, "WouldBeAdmitted", "The rules in force would admit it", &v1beta1.AuditStatus{}},
		"a warning and a record": {
			Findings(nil, said("b", "a"), said("c")), nil, metav1.ConditionTrue, "WouldBeAdmitted",
			"The rules in force would admit it; they warn of it: a (1), b (1); they record it: c (1)", &v1beta1.AuditStatus{Warnings: 2, Audits: 1},
		},
		"refusals": {
			Findings(said("ports", "name", "ports"), said("a"), nil), nil, metav1.ConditionFalse, "WouldBeRefused",
			"The rules in force would refuse it: name (1), ports (2); they warn of it: a (1)", &v1beta1.AuditStatus{Denials: 3, Warnings: 1},
		},
		"no decision": {nil, errors.New("gone"), metav1.ConditionUnknown, "NotDecided", "Nothing could be decided: gone", nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := verdictOf(7, Result{Findings: test.findings}, test.undecided)
			want := metav1.Condition{Type: "Compliant", Status: test.status, Reason: test.reason, Message: test.message, ObservedGeneration: 7}
			if got.condition != want {
				t.Errorf("got %+v, want %+v", got.condition, want)
			}
			if (got.counts == nil) != (test.counts == nil) || test.counts != nil && *got.counts != *test.counts {
				t.Errorf("got counts %v, want %v", got.counts, test.counts)
			}
		})
	}
}

func TestVerdictIsBoundedHoweverMuchThereIsToSay(t *testing.T) {
	var codes []string
	for i := range 1000 {
		codes = append(codes, fmt.Sprintf("rule_of_a_long_name_%d_ü", i))
	}
	for name, got := range map[string]verdict{
		"many rules":   verdictOf(1, Result{Findings: Findings(said(codes...), nil, nil)}, nil),
		"a long error": verdictOf(1, Result{}, errors.New(strings.Repeat("ü", 2000))),
	} {
		if message := got.condition.Message; len(message) > longestMessage+3 || !strings.HasSuffix(message, "…") || !utf8.ValidString(message) {
			t.Errorf("%s: got %d bytes: %s", name, len(message), message)
		}
	}
}
