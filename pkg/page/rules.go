package page

import (
	"context"
	"fmt"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"portcullis.dev/portcullis/pkg/api/v1alpha1"
	"portcullis.dev/portcullis/pkg/policy"
)

// rules are what is decided by.
type rules struct {
	// Hidden says that the viewer may not list GatewayPolicies, which can change any rule.
	Hidden bool
	// Revision of all that decides.
	Revision string
	// InForce is how each rule holds for a gateway that only policies without a match hold for.
	InForce []policy.RuleInForce
	// Policies are all GatewayPolicies, with whom each is for.
	Policies []policyRow
}

// policyRow is one GatewayPolicy.
type policyRow struct {
	Name, Match string
	Active      metav1.Condition
}

// rules reads the rules in force, if the viewer may list GatewayPolicies.
func (h *Handler) rules(ctx context.Context, v *viewer) (rules, error) {
	allowed, err := v.may(ctx, "list", policiesResource, "")
	if err != nil || !allowed {
		return rules{Hidden: true}, err
	}
	list := &v1alpha1.GatewayPolicyList{}
	if err := h.Known.List(ctx, list); err != nil {
		return rules{}, fmt.Errorf("listing GatewayPolicies: %w", err)
	}
	var out rules
	for _, stored := range list.Items {
		out.Policies = append(out.Policies, policyRow{
			Name: stored.Name, Match: matchOf(stored.Spec.Match),
			Active: conditionOf(stored.Status.Conditions, v1alpha1.ConditionActive),
		})
	}
	if engine := h.Engine(); engine != nil {
		out.Revision, out.InForce = engine.Revision(), engine.InForce("", nil)
	}
	return out, nil
}

// matchOf says whom a policy is for.
func matchOf(match *v1alpha1.PolicyMatch) string {
	if match == nil {
		return "all gateways"
	}
	var parts []string
	if len(match.Namespaces) > 0 {
		parts = append(parts, "namespaces "+strings.Join(match.Namespaces, ", "))
	}
	if match.Labels != nil {
		parts = append(parts, "labels "+metav1.FormatLabelSelector(match.Labels))
	}
	if len(parts) == 0 {
		return "all gateways"
	}
	return strings.Join(parts, "; ")
}
