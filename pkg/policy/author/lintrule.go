package author

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
)

// isForbidden says whether OPA has a built-in that rules may not use.
func (s *Set) isForbidden(name string) bool {
	return ast.BuiltinMap[name] != nil && !slices.ContainsFunc(s.capabilities.Builtins, func(allowed *ast.Builtin) bool {
		return allowed.Name == name
	})
}

// checkBuiltins refuses the built-ins that the engine does not have, in better words than the compiler, which says
// that they do not exist.
func (s *Set) checkBuiltins(_ module, parsed *ast.Module) []Finding {
	var findings []Finding
	forbid := func(name string, location *ast.Location) {
		if s.isForbidden(name) {
			findings = append(findings, at(location, "builtins",
				fmt.Sprintf("must give the same answer to the same question, calls %s", name),
				"use what is in the input; the time is input.now"))
		}
	}
	ast.WalkExprs(parsed, func(expr *ast.Expr) bool {
		if expr.IsCall() {
			forbid(expr.Operator().String(), expr.Location)
		}
		return false
	})
	ast.WalkTerms(parsed, func(term *ast.Term) bool {
		if call, ok := term.Value.(ast.Call); ok {
			forbid(call[0].Value.String(), term.Location)
		}
		return false
	})
	return findings
}

// checkCodes wants codes from lib.result: one that is written by hand drifts from its folder.
func (s *Set) checkCodes(module module, parsed *ast.Module) []Finding {
	if module.isTest() || !isRule(module.folder()) || path.Base(path.Dir(module.folder())) != "validate" {
		return nil
	}
	var findings []Finding
	ast.WalkTerms(parsed, func(term *ast.Term) bool {
		if object, ok := term.Value.(ast.Object); ok && object.Get(ast.StringTerm("code")) != nil {
			findings = append(findings, at(term.Location, "codes",
				"must not write a code, writes one", "build the finding with result.finding(rego.metadata.chain(), {…})"))
		}
		return false
	})
	return findings
}

// checkRule wants a rule to have its file, its test, its METADATA and something to say.
func (l linter) checkRule(folder string) []Finding {
	var findings []Finding
	base := path.Join(folder, path.Base(folder))
	for _, file := range []string{base + moduleSuffix, base + testSuffix} {
		if !slices.ContainsFunc(l.set.modules, func(m module) bool { return m.path == file }) {
			findings = append(findings, Finding{
				File: path.Join(l.set.name, file), Line: 1, Check: "files",
				Message: "must be there, is not", Fix: "a rule and its test are named after their folder",
			})
		}
	}
	var rules []*ast.Module
	for _, module := range l.set.modules {
		parsed := l.parsed[module.shown]
		if module.folder() == folder && !module.isTest() && parsed != nil {
			rules = append(rules, parsed)
		}
	}
	if len(rules) == 0 {
		return findings
	}
	return append(findings, append(checkMetadata(rules), checkAnswers(folder, rules)...)...)
}

// checkMetadata wants a rule to say what it is for and where its facts come from.
func checkMetadata(rules []*ast.Module) []Finding {
	said := annotations(rules)
	if said == nil {
		return []Finding{at(rules[0].Package.Location, "metadata",
			"must have METADATA of the package, has none", "write it above the package: title, description, related_resources")}
	}
	var findings []Finding
	if said.Title == "" || said.Description == "" {
		findings = append(findings, at(said.Location, "metadata",
			fmt.Sprintf("must have a title and a description, has %q and %q", said.Title, said.Description), "say what the rule is and why it is"))
	}
	if sources, _ := said.Custom["sources"].([]any); len(said.RelatedResources)+len(sources) == 0 {
		findings = append(findings, at(said.Location, "metadata",
			"must say where its facts come from, does not", "name a page in related_resources, or what else it is in custom.sources"))
	}
	for _, resource := range said.RelatedResources {
		if resource.Ref.Scheme != "https" || resource.Description == "" {
			findings = append(findings, at(said.Location, "metadata",
				fmt.Sprintf("must name https pages and what is read there, names %s", resource.Ref.String()), "write ref and description"))
		}
	}
	return findings
}

// annotations are the METADATA of a rule's package.
func annotations(rules []*ast.Module) *ast.Annotations {
	for _, module := range rules {
		for _, said := range module.Annotations {
			if said.Scope == "package" {
				return said
			}
		}
	}
	return nil
}

// checkAnswers wants a rule to define what is asked of it: of any other name nobody would ever hear.
func checkAnswers(folder string, rules []*ast.Module) []Finding {
	names := map[string][]string{"validate": {"deny", "warn"}, "mutate": {"fill", "ensure"}}[path.Base(path.Dir(folder))]
	for _, module := range rules {
		for _, rule := range module.Rules {
			if slices.Contains(names, answer(rule)) {
				return nil
			}
		}
	}
	return []Finding{at(rules[0].Package.Location, "answers",
		fmt.Sprintf("must define %s, defines neither", strings.Join(names, " or ")), "name the rule so that it is asked")}
}

// answer is the name that a rule defines a part of: deny, of deny contains finding.
func answer(rule *ast.Rule) string {
	name, _ := rule.Head.Ref()[0].Value.(ast.Var)
	return string(name)
}
