package ruleset

import (
	"encoding/json"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"portcullis.dev/portcullis/pkg/api/v1alpha1"
	"portcullis.dev/portcullis/pkg/policy"
)

// Policy is a GatewayPolicy as the engine takes it.
func Policy(in *v1alpha1.GatewayPolicy) (policy.Policy, error) {
	out := policy.Policy{
		Name:         in.Name,
		Enforcements: map[string]policy.Enforcement{},
		Parameters:   map[string]any{},
		Modules:      in.Spec.Modules,
		Tests:        in.Spec.Tests,
	}
	if in.Spec.Enforcement != nil {
		out.Enforcement = policy.Enforcement(*in.Spec.Enforcement)
	}
	for code, enforcement := range in.Spec.Enforcements {
		out.Enforcements[code] = policy.Enforcement(enforcement)
	}
	for code, raw := range in.Spec.Parameters {
		var value any
		if err := json.Unmarshal(raw.Raw, &value); err != nil {
			return policy.Policy{}, fmt.Errorf("reading spec.parameters.%s: %w", code, err)
		}
		out.Parameters[code] = value
	}
	if in.Spec.Match == nil {
		return out, nil
	}
	out.Match.Namespaces = in.Spec.Match.Namespaces
	if in.Spec.Match.Labels == nil {
		return out, nil
	}
	selector, err := metav1.LabelSelectorAsSelector(in.Spec.Match.Labels)
	if err != nil {
		return policy.Policy{}, fmt.Errorf("reading spec.match.labels: %w", err)
	}
	out.Match.Labels = selector
	return out, nil
}

// Policies are GatewayPolicies as the engine takes them. Those that cannot be read are a *policy.FaultError.
func Policies(in []v1alpha1.GatewayPolicy) ([]policy.Policy, error) {
	out, unread := make([]policy.Policy, 0, len(in)), map[string]error{}
	for i := range in {
		read, err := Policy(&in[i])
		if err != nil {
			unread[in[i].Name] = err
			continue
		}
		out = append(out, read)
	}
	if len(unread) > 0 {
		return out, &policy.FaultError{Policies: unread}
	}
	return out, nil
}
