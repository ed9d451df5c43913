package policy

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
)

// Verdict is what all rules say of one request.
type Verdict struct {
	// Denials refuse the request; sorted, each once.
	Denials []Finding
	// Warnings refuse nothing; sorted, each once.
	Warnings []Finding
	// Audits refuse nothing and are told to nobody but the records; sorted, each once.
	Audits []Finding
}

// and is a verdict together with another: what either refuses is refused, and is not warned of as well.
func (v Verdict) and(other Verdict) Verdict {
	denials := sorted(slices.Concat(v.Denials, other.Denials))
	warnings := except(sorted(slices.Concat(v.Warnings, other.Warnings)), denials)
	audits := sorted(slices.Concat(v.Audits, other.Audits))
	return Verdict{Denials: denials, Warnings: warnings, Audits: except(except(audits, denials), warnings)}
}

// except are findings without those that others already say.
func except(findings, others []Finding) []Finding {
	return slices.DeleteFunc(findings, func(finding Finding) bool { return slices.Contains(others, finding) })
}

// Finding is one thing that a rule has to say, in words that a person can act on.
type Finding struct {
	// Code is the rule's folder.
	Code string `json:"code"`
	// Field is where it is wrong, for example spec.ports[0].targetPort.
	Field string `json:"field"`
	// Message says what the field must be and what it is.
	Message string `json:"message"`
	// Fix says what to do about it.
	Fix string `json:"fix"`
}

// String is the one line that a person reads: code: field: message (fix).
func (f Finding) String() string {
	line := fmt.Sprintf("%s: %s: %s", f.Code, f.Field, f.Message)
	if f.Fix == "" {
		return line
	}
	return fmt.Sprintf("%s (%s)", line, f.Fix)
}

// Compare orders findings by rule, then by field.
func (f Finding) Compare(other Finding) int {
	return cmp.Or(
		cmp.Compare(f.Code, other.Code),
		cmp.Compare(f.Field, other.Field),
		cmp.Compare(f.Message, other.Message),
		cmp.Compare(f.Fix, other.Fix),
	)
}

// readVerdict reads the answer of the validating rules.
func readVerdict(answer any) (Verdict, error) {
	// Pointers, because a missing list is no empty one: it would let in what nobody judged.
	var raw struct{ Deny, Warn *[]Finding }
	if err := decode(answer, &raw); err != nil {
		return Verdict{}, err
	}
	if raw.Deny == nil || raw.Warn == nil {
		return Verdict{}, fmt.Errorf("answer must have deny and warn, is %s", inWords(answer))
	}
	for _, finding := range slices.Concat(*raw.Deny, *raw.Warn) {
		if finding.Code == "" || finding.Field == "" || finding.Message == "" {
			return Verdict{}, fmt.Errorf("finding must have a code, a field and a message, is %s", inWords(finding))
		}
	}
	return Verdict{Denials: sorted(*raw.Deny), Warnings: sorted(*raw.Warn)}, nil
}

// sorted is a list of findings in order, each once.
func sorted(findings []Finding) []Finding {
	slices.SortFunc(findings, Finding.Compare)
	return slices.Compact(findings)
}

// decode reads an answer strictly: what has another shape than we know was not meant as we would take it.
func decode(answer, into any) error {
	text, err := json.Marshal(answer)
	if err != nil {
		return err
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	decoder.UseNumber()
	return decoder.Decode(into)
}

// inWords is a value as an error message shows it.
func inWords(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		return fmt.Sprint(value)
	}
	return string(text)
}
