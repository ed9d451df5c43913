package policy

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
)

// rule is what is known of a rule without asking it.
type rule struct {
	code, title string
	// about says more than the title, from the same METADATA.
	about about
	// place is where it is: a folder of the library, or a line in a policy's module.
	place string
	// policy that it is of; empty for one of the library.
	policy string
	// validates and mutates say what it does. One code may do both.
	validates, mutates bool
}

// add notes what a module of the rule says of it.
func (r *rule) add(kind string, module *ast.Module) {
	r.validates = r.validates || kind == "validate"
	r.mutates = r.mutates || kind == "mutate"
	if r.policy != "" && r.place == "" {
		r.place = at(module.Package.Location)
	}
	// Of a code that does both, what it refuses is what people ask about.
	if title := title(module); title != "" && (r.title == "" || kind == "validate") {
		r.title, r.about = title, aboutOf(module)
	}
}

// owner names whose rule it is.
func (r *rule) owner() string {
	if r.policy == "" {
		return "the library"
	}
	return "GatewayPolicy " + r.policy
}

// addOf notes which rule of the library a module is of.
func (s *ruleSet) addOf(folder string, module *ast.Module) {
	kind, code := path.Split(folder)
	if s.rules[code] == nil {
		s.rules[code] = &rule{code: code, place: folder}
	}
	s.rules[code].add(strings.TrimSuffix(kind, "/"), module)
}

// checkSets refuses findings and items that are no sets: main/ would find nothing in a string, and say nothing.
func checkSets(module *ast.Module) error {
	var errs []error
	for _, rule := range module.Rules {
		name := rule.Head.Ref()[0].Value.String()
		if slices.Contains([]string{"deny", "warn", "ensure"}, name) && rule.Head.RuleKind() != ast.MultiValue {
			errs = append(errs, fmt.Errorf("%s: %s must be a set (%s contains …), is none", at(rule.Location), name, name))
		}
	}
	return errors.Join(errs...)
}

// title is what a module calls its package, if it also says what that is for.
func title(module *ast.Module) string {
	for _, said := range module.Annotations {
		if said.Scope == "package" && said.Title != "" && said.Description != "" {
			return said.Title
		}
	}
	return ""
}
