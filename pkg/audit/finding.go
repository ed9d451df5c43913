package audit

import (
	"cmp"
	"slices"

	"portcullis.dev/portcullis/pkg/policy"
)

// Finding is one thing that a rule has to say of a gateway, and what it would do about it.
type Finding struct {
	policy.Finding
	// Enforcement is Deny where it would refuse the gateway, Warn where it would warn, Audit where it would only record it.
	Enforcement policy.Enforcement `json:"enforcement"`
}

// Findings are what the rules said in three ways as one list, the gravest first.
func Findings(denials, warnings, audits []policy.Finding) []Finding {
	out := []Finding{}
	for _, part := range []struct {
		enforcement policy.Enforcement
		findings    []policy.Finding
	}{{policy.Deny, denials}, {policy.Warn, warnings}, {policy.Audit, audits}} {
		for _, finding := range part.findings {
			out = append(out, Finding{Finding: finding, Enforcement: part.enforcement})
		}
	}
	return out
}

// Count is how often a rule spoke in one way.
type Count struct {
	// Code of the rule.
	Code string
	// Enforcement is the way.
	Enforcement policy.Enforcement
	// Findings of the rule.
	Findings int
}

// Counts says how often each rule spoke, the gravest way first, then by code.
func Counts(findings []Finding) []Count {
	var out []Count
	for _, finding := range findings {
		i := slices.IndexFunc(out, func(c Count) bool { return c.Code == finding.Code && c.Enforcement == finding.Enforcement })
		if i < 0 {
			i, out = len(out), append(out, Count{Code: finding.Code, Enforcement: finding.Enforcement})
		}
		out[i].Findings++
	}
	slices.SortFunc(out, func(a, b Count) int {
		return cmp.Or(cmp.Compare(gravity(a.Enforcement), gravity(b.Enforcement)), cmp.Compare(a.Code, b.Code))
	})
	return out
}

// gravity orders the ways to speak, the gravest first.
func gravity(of policy.Enforcement) int {
	return slices.Index([]policy.Enforcement{policy.Deny, policy.Warn, policy.Audit}, of)
}
