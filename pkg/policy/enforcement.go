package policy

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Enforcement is what a violation of a validating rule does.
type Enforcement string

// What a violation can do, the strictest first.
const (
	// Deny refuses the request.
	Deny Enforcement = "Deny"
	// Warn lets the request in with a warning.
	Warn Enforcement = "Warn"
	// Audit lets the request in and only records the violation.
	Audit Enforcement = "Audit"
)

// enforcements are all of them, the strictest first.
func enforcements() []Enforcement {
	return []Enforcement{Deny, Warn, Audit}
}

// stricter is the stricter of two.
func stricter(a, b Enforcement) Enforcement {
	if slices.Index(enforcements(), a) <= slices.Index(enforcements(), b) {
		return a
	}
	return b
}

// checkEnforcement refuses an enforcement of what is no rule that may be enforced, and one that does not exist:
// whoever misspelt it would think that it holds.
func checkEnforcement(stated map[string]Enforcement, allowed []string) error {
	var errs []error
	for _, code := range slices.Sorted(maps.Keys(stated)) {
		if !slices.Contains(allowed, code) {
			errs = append(errs, fmt.Errorf("%s must be a validating rule (%s), is none", code, strings.Join(allowed, ", ")))
		}
		if !slices.Contains(enforcements(), stated[code]) {
			errs = append(errs, fmt.Errorf("%s must be one of Deny, Warn, Audit, is %q", code, stated[code]))
		}
	}
	return errors.Join(errs...)
}

// setting is an enforcement and where it comes from.
type setting struct {
	enforcement Enforcement
	from        string
}

// enforcement says how strictly a rule holds where some policies match. Without a word of anybody it denies. The
// configuration replaces that, and policies the configuration; the strictest of several policies wins.
func (s *ruleSet) enforcement(of *rule, matching []Policy) setting {
	out := setting{Deny, FromDefaults}
	if stated, ok := s.configuration.Enforcement[of.code]; ok {
		out = setting{stated, FromConfiguration}
	}
	isStated := false
	for _, policy := range matching {
		stated, ok := policy.states(of)
		if !ok || (isStated && stricter(out.enforcement, stated) == out.enforcement) {
			continue
		}
		out, isStated = setting{stated, fromPolicy(policy.Name)}, true
	}
	return out
}

// states is what a policy says of how strictly a rule holds, if anything.
func (p Policy) states(of *rule) (Enforcement, bool) {
	if stated, ok := p.Enforcements[of.code]; ok {
		return stated, true
	}
	return p.Enforcement, of.policy == p.Name && p.Enforcement != ""
}

// enforce moves findings to where their rules' enforcement wants them. A rule's own warnings are never made
// more of than it made of them. What is not known of is denied.
func (v *variant) enforce(verdict Verdict) Verdict {
	var out Verdict
	for _, finding := range verdict.Denials {
		switch v.enforcement[finding.Code] {
		case Audit:
			out.Audits = append(out.Audits, finding)
		case Warn:
			out.Warnings = append(out.Warnings, finding)
		case Deny:
			out.Denials = append(out.Denials, finding)
		default:
			out.Denials = append(out.Denials, finding)
		}
	}
	for _, finding := range verdict.Warnings {
		if v.enforcement[finding.Code] == Audit {
			out.Audits = append(out.Audits, finding)
			continue
		}
		out.Warnings = append(out.Warnings, finding)
	}
	return out
}
