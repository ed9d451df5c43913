package policy

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
)

// checkSettings refuses what a policy states of rules that it may not state anything of, and values that no rule reads.
func (s *ruleSet) checkSettings(policy Policy, library map[string]*rule) error {
	var errs []error
	if policy.Enforcement != "" && !slices.Contains(enforcements(), policy.Enforcement) {
		errs = append(errs, fmt.Errorf("spec.enforcement must be one of Deny, Warn, Audit, is %q", policy.Enforcement))
	}
	if err := checkEnforcement(policy.Enforcements, s.validating(policy.Name)); err != nil {
		errs = append(errs, fmt.Errorf("spec.enforcements: %w", err))
	}
	ofLibrary := map[string]any{}
	for _, code := range slices.Sorted(maps.Keys(policy.Parameters)) {
		isOwn := library[code] == nil && s.rules[code] != nil && s.rules[code].policy == policy.Name
		if _, isObject := policy.Parameters[code].(map[string]any); !isOwn || !isObject {
			ofLibrary[code] = policy.Parameters[code]
		}
	}
	if err := s.checkParameters(s.parameters, ofLibrary); err != nil {
		errs = append(errs, fmt.Errorf("spec.parameters: %w", err))
	}
	return errors.Join(errs...)
}

// checkAgreement refuses two policies that want different values for one parameter of one gateway: which of them
// held would be chance. Both are to blame.
func (s *ruleSet) checkAgreement(found faults) {
	for i, policy := range s.policies {
		for _, other := range s.policies[:i] {
			path := disagreement(policy.Parameters, other.Parameters, "")
			if path == "" || !policy.Match.meets(other.Match) {
				continue
			}
			err := fmt.Errorf("GatewayPolicies %s and %s must agree on spec.parameters%s, for both can match one gateway, do not", other.Name, policy.Name, path)
			found.add(policy.Name, err)
			found.add(other.Name, err)
		}
	}
}

// disagreement is the first path at which two trees of parameters say different things; empty when they agree.
func disagreement(a, b any, path string) string {
	left, isObject := a.(map[string]any)
	right, areObjects := b.(map[string]any)
	if !isObject || !areObjects {
		if same(a, b) {
			return ""
		}
		return path
	}
	for _, key := range slices.Sorted(maps.Keys(left)) {
		if _, both := right[key]; !both {
			continue
		}
		if found := disagreement(left[key], right[key], path+"."+key); found != "" {
			return found
		}
	}
	return ""
}

// contradictionError says that two mutating rules want different things for one place.
type contradictionError string

// Error says which, and what.
func (e contradictionError) Error() string {
	return string(e)
}

// contradictf words a contradiction.
func contradictf(format string, args ...any) error {
	return contradictionError(fmt.Sprintf(format, args...))
}

// checkDefaults refuses defaults that fight, as far as that can be known before there is a gateway: for one that says
// nothing, so that everything is filled in that always is. Fights that need a gateway to break out are errors then.
func (e *Engine) checkDefaults(ctx context.Context) error {
	found := faults{}
	for _, together := range e.mutatingTogether() {
		by, err := e.newVariant(ctx, together)
		if err != nil {
			return err
		}
		err = e.contradiction(ctx, by)
		if err != nil && len(together) == 0 {
			return fmt.Errorf("checking the defaults: %w", err)
		}
		for _, policy := range together {
			if found[policy.Name] == nil {
				found.add(policy.Name, err)
			}
		}
	}
	return found.err()
}

// contradiction is what the mutating rules contradict each other in for a gateway that says nothing.
func (e *Engine) contradiction(ctx context.Context, by *variant) error {
	for _, gatewayType := range []string{"ingress", "egress"} {
		blank := map[string]any{"metadata": map[string]any{}, "spec": map[string]any{"gatewayType": gatewayType}}
		_, err := e.fill(ctx, by, Input{Request: Request{Operation: "CREATE"}, Gateway: blank})
		if contradiction := contradictionError(""); errors.As(err, &contradiction) {
			return contradiction
		}
	}
	return nil
}

// mutatingTogether are the sets of policies that can break defaults: none, each that changes what is filled in, and
// each two of these that can match one gateway.
func (e *Engine) mutatingTogether() [][]Policy {
	out := [][]Policy{nil}
	var mutating []Policy
	for _, policy := range e.set.policies {
		if !e.set.mutates(policy) {
			continue
		}
		out = append(out, []Policy{policy})
		for _, other := range mutating {
			if policy.Match.meets(other.Match) {
				out = append(out, []Policy{other, policy})
			}
		}
		mutating = append(mutating, policy)
	}
	return out
}

// mutates says whether a policy changes what is filled in.
func (s *ruleSet) mutates(policy Policy) bool {
	for code, rule := range s.rules {
		_, tunes := policy.Parameters[code]
		if rule.mutates && (tunes || rule.policy == policy.Name) {
			return true
		}
	}
	return false
}
