package policy

import (
	"maps"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
)

// Described is what a rule says of itself in its METADATA.
type Described struct {
	// Code and Title of the rule.
	Code, Title string
	// Text says why there is the rule.
	Text string
	// Fix says what to do about what it finds; empty where its sentences say so one by one.
	Fix string
	// Links lead to where it comes from.
	Links []string
	// Policy is the GatewayPolicy that the rule is of; empty for one of the library.
	Policy string
}

// about is what a rule's METADATA says beside its title.
type about struct {
	text, fix string
	links     []string
}

// aboutOf reads the METADATA of a module's package.
func aboutOf(module *ast.Module) about {
	var out about
	for _, said := range module.Annotations {
		if said.Scope != "package" {
			continue
		}
		out.text = strings.TrimSpace(said.Description)
		out.fix, _ = said.Custom["fix"].(string)
		for _, resource := range said.RelatedResources {
			out.links = append(out.links, resource.Ref.String())
		}
	}
	return out
}

// Validating says what the validating rules say of themselves, those of all policies too, in the order of their codes.
func (e *Engine) Validating() []Described {
	var out []Described
	for _, code := range slices.Sorted(maps.Keys(e.set.rules)) {
		rule := e.set.rules[code]
		if rule.validates {
			out = append(out, Described{code, rule.title, rule.about.text, rule.about.fix, slices.Clone(rule.about.links), rule.policy})
		}
	}
	return out
}
