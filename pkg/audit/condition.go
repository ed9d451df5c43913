package audit

import (
	"fmt"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/policy"
)

// The reasons of Compliant: words for machines.
const (
	// reasonAdmitted: the rules in force would admit the gateway.
	reasonAdmitted = "WouldBeAdmitted"
	// reasonRefused: they would refuse it.
	reasonRefused = "WouldBeRefused"
	// reasonUndecided: they could not be asked about it.
	reasonUndecided = "NotDecided"
)

// longestMessage is how long, in bytes, the message of the condition may be.
const longestMessage = 1024

// verdict is what is written of one audit.
type verdict struct {
	condition metav1.Condition
	// counts are nil where nothing was decided.
	counts *v1beta1.AuditStatus
}

// verdictOf words what came of an audit of one generation. The same findings make the same words, in the same order.
func verdictOf(generation int64, result Result, undecided error) verdict {
	out := verdict{condition: metav1.Condition{Type: v1beta1.ConditionCompliant, Status: metav1.ConditionUnknown, ObservedGeneration: generation}}
	if undecided != nil {
		out.condition.Reason = reasonUndecided
		out.condition.Message = within("Nothing could be decided: "+undecided.Error(), longestMessage)
		return out
	}
	counts := Counts(result.Findings)
	out.counts = &v1beta1.AuditStatus{
		Denials: sum(counts, policy.Deny), Warnings: sum(counts, policy.Warn), Audits: sum(counts, policy.Audit),
	}
	out.condition.Status, out.condition.Reason = metav1.ConditionTrue, reasonAdmitted
	sentence := "The rules in force would admit it"
	if out.counts.Denials > 0 {
		out.condition.Status, out.condition.Reason = metav1.ConditionFalse, reasonRefused
		sentence = "The rules in force would refuse it: " + listed(counts, policy.Deny)
	}
	if out.counts.Warnings > 0 {
		sentence += "; they warn of it: " + listed(counts, policy.Warn)
	}
	if out.counts.Audits > 0 {
		sentence += "; they record it: " + listed(counts, policy.Audit)
	}
	out.condition.Message = within(sentence, longestMessage)
	return out
}

// sum is how many findings there are of one enforcement.
func sum(counts []Count, of policy.Enforcement) int32 {
	var out int32
	for _, count := range counts {
		if count.Enforcement == of {
			out += int32(count.Findings)
		}
	}
	return out
}

// listed are the rules of one enforcement, each with how many findings it has.
func listed(counts []Count, of policy.Enforcement) string {
	var out []string
	for _, count := range counts {
		if count.Enforcement == of {
			out = append(out, fmt.Sprintf("%s (%d)", count.Code, count.Findings))
		}
	}
	return strings.Join(out, ", ")
}

// within keeps a text within a number of bytes, without cutting a character in two.
func within(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}
