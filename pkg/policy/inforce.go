package policy

import (
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/labels"
)

// RuleInForce is how one rule holds for a gateway.
type RuleInForce struct {
	// Code of the rule.
	Code string `json:"code"`
	// Title of the rule, from its METADATA.
	Title string `json:"title"`
	// Policy is the GatewayPolicy that the rule is of; empty for one of the library.
	Policy string `json:"policy,omitempty"`
	// Enforcement of what the rule refuses; empty for a rule that only fills in.
	Enforcement Enforcement `json:"enforcement,omitempty"`
	// From says where the enforcement comes from: FromDefaults, FromConfiguration or GatewayPolicy and its name.
	From string `json:"from,omitempty"`
	// Parameters of the rule, in the order of their paths.
	Parameters []ParameterInForce `json:"parameters,omitempty"`
}

// ParameterInForce is one value among a rule's parameters.
type ParameterInForce struct {
	// Path of the value in the rule's parameters, for example all.resources.limits.cpu.
	Path string `json:"path"`
	// Value that holds; a list is one value.
	Value any `json:"value"`
	// From says where the value comes from, as RuleInForce.From does.
	From string `json:"from"`
}

// InForce says how each rule holds for a gateway of a namespace and some labels, in the order of the rules' codes. Own
// rules of policies that do not match the gateway are not in force.
func (e *Engine) InForce(namespace string, of map[string]string) []RuleInForce {
	matching := e.set.matching(namespace, labels.Set(of))
	layers := e.set.layers(matching)
	var out []RuleInForce
	for _, code := range slices.Sorted(maps.Keys(e.set.rules)) {
		rule := e.set.rules[code]
		if rule.policy != "" && !slices.Contains(names(matching), rule.policy) {
			continue
		}
		in := RuleInForce{Code: code, Title: rule.title, Policy: rule.policy, Parameters: parametersInForce(layers, code)}
		if rule.validates {
			setting := e.set.enforcement(rule, matching)
			in.Enforcement, in.From = setting.enforcement, setting.from
		}
		out = append(out, in)
	}
	return out
}

// layer is what one of those who state parameters states.
type layer struct {
	from       string
	parameters map[string]any
}

// layers are all that is stated where some policies match, in rising order.
func (s *ruleSet) layers(matching []Policy) []layer {
	out := []layer{{FromDefaults, s.defaults}, {FromConfiguration, s.configuration.Parameters}}
	for _, policy := range matching {
		out = append(out, layer{fromPolicy(policy.Name), policy.Parameters})
	}
	return out
}

// parametersInForce are the values of one rule's parameters.
func parametersInForce(layers []layer, code string) []ParameterInForce {
	at := map[string]ParameterInForce{}
	for _, layer := range layers {
		if stated, ok := layer.parameters[code]; ok {
			state(at, "", stated, layer.from)
		}
	}
	var out []ParameterInForce
	for _, path := range slices.Sorted(maps.Keys(at)) {
		out = append(out, at[path])
	}
	return out
}

// state writes the values of a tree over those that were stated before, as merge does.
func state(at map[string]ParameterInForce, path string, value any, from string) {
	object, isObject := value.(map[string]any)
	if isObject && len(object) > 0 {
		delete(at, path)
		for key, inside := range object {
			state(at, joined(path, key), inside, from)
		}
		return
	}
	below := func(other string, _ ParameterInForce) bool {
		return len(other) > len(path) && other[:len(path)] == path && (path == "" || other[len(path)] == '.')
	}
	if isObject {
		// An empty object takes nothing away from one that is there.
		for other, stated := range at {
			if below(other, stated) {
				return
			}
		}
	}
	maps.DeleteFunc(at, below)
	delete(at, path)
	if value != nil && path != "" {
		at[path] = ParameterInForce{Path: path, Value: value, From: from}
	}
}

// joined is a path one step longer.
func joined(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}
