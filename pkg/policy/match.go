package policy

import (
	"fmt"
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/labels"
)

// Match selects gateways; all that is set must hold. The zero value selects all.
type Match struct {
	// Namespaces of the gateways; all when empty.
	Namespaces []string
	// Labels of the gateways; all when nil.
	Labels labels.Selector
}

// matches says whether a gateway is selected.
func (m Match) matches(namespace string, of labels.Set) bool {
	if len(m.Namespaces) > 0 && !slices.Contains(m.Namespaces, namespace) {
		return false
	}
	return m.Labels == nil || m.Labels.Matches(of)
}

// meets says whether one gateway can be selected by both.
func (m Match) meets(other Match) bool {
	if len(m.Namespaces) > 0 && len(other.Namespaces) > 0 && !slices.ContainsFunc(m.Namespaces, func(namespace string) bool {
		return slices.Contains(other.Namespaces, namespace)
	}) {
		return false
	}
	these, selectable := m.requirements()
	those, areSelectable := other.requirements()
	return selectable && areSelectable && satisfiable(append(these, those...))
}

// requirements are what labels have to meet; selectable is false when none can.
func (m Match) requirements() (requirements labels.Requirements, selectable bool) {
	if m.Labels == nil {
		return nil, true
	}
	requirements, selectable = m.Labels.Requirements()
	return slices.Clone(requirements), selectable
}

// satisfiable says whether any labels meet all of some requirements. Each is about one key alone, so it is enough to
// try, key by key, every value that one of them names, one that none of them names, and none at all.
func satisfiable(requirements labels.Requirements) bool {
	byKey := map[string]labels.Requirements{}
	for _, requirement := range requirements {
		byKey[requirement.Key()] = append(byKey[requirement.Key()], requirement)
	}
	for key, all := range byKey {
		// No label has a value with a space.
		tries := []labels.Set{{}, {key: "any other"}}
		for _, requirement := range all {
			for value := range requirement.Values() {
				tries = append(tries, labels.Set{key: value})
			}
		}
		if !slices.ContainsFunc(tries, func(try labels.Set) bool { return meetAll(all, try) }) {
			return false
		}
	}
	return true
}

// meetAll says whether labels meet all of some requirements.
func meetAll(requirements labels.Requirements, try labels.Set) bool {
	return !slices.ContainsFunc(requirements, func(r labels.Requirement) bool { return !r.Matches(try) })
}

// labelsOf are the labels of a gateway. What cannot be read must not pass for a gateway without labels.
func labelsOf(gateway any) (labels.Set, error) {
	object, isObject := gateway.(map[string]any)
	if !isObject {
		return nil, fmt.Errorf("gateway must be an object to be matched, is %s", kind(gateway))
	}
	metadata, _ := object["metadata"].(map[string]any)
	written, isMap := metadata["labels"].(map[string]any)
	if !isMap && metadata["labels"] != nil {
		return nil, fmt.Errorf("metadata.labels must be an object, is %s", kind(metadata["labels"]))
	}
	out := labels.Set{}
	for _, key := range slices.Sorted(maps.Keys(written)) {
		value, isText := written[key].(string)
		if !isText {
			return nil, fmt.Errorf("metadata.labels.%s must be a string, is %s", key, kind(written[key]))
		}
		out[key] = value
	}
	return out, nil
}

// matching are the policies that a gateway is selected by, in the order of their names.
func (e *Engine) matching(namespace string, gateway any) ([]Policy, error) {
	if len(e.set.policies) == 0 || gateway == nil {
		return nil, nil
	}
	of, err := labelsOf(gateway)
	if err != nil {
		return nil, err
	}
	return e.set.matching(namespace, of), nil
}

// matching are the policies that some labels are selected by, in the order of their names.
func (s *ruleSet) matching(namespace string, of labels.Set) []Policy {
	var out []Policy
	for _, policy := range s.policies {
		if policy.Match.matches(namespace, of) {
			out = append(out, policy)
		}
	}
	return out
}

// names are the names of some policies.
func names(policies []Policy) []string {
	out := make([]string, 0, len(policies))
	for _, policy := range policies {
		out = append(out, policy.Name)
	}
	return out
}

// kind names what a value of JSON is.
func kind(value any) string {
	switch value.(type) {
	case nil:
		return "absent"
	case map[string]any:
		return "an object"
	case []any:
		return "a list"
	case bool:
		return "true or false"
	case string:
		return "a string"
	default:
		return "a number"
	}
}
