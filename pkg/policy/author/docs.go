package author

import (
	"cmp"
	_ "embed"
	"fmt"
	"io"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"text/template"

	"github.com/open-policy-agent/opa/v1/ast"
)

//go:embed docs.md.tmpl
var page string

// ruleDoc is what the page says of one rule.
type ruleDoc struct {
	Code, Title, Description string
	Sentences                []sentence
	Parameters               []parameterDoc
	Defaults                 string
	Related                  []related
	Sources                  []any
}

// sentence is a finding as a user may meet it; what depends on the gateway is left out as ….
type sentence struct{ Kind, Field, Message, Fix string }

// parameterDoc is one parameter of a rule.
type parameterDoc struct{ Name, Type string }

// related is a page that says more.
type related struct{ URL, Description string }

// Docs writes the page of the rules that the author asks about, from their METADATA, their sentences and their
// parameters. The same rules make the same page.
func (s *Set) Docs(out io.Writer) error {
	modules, err := parse(s.asked())
	if err != nil {
		return fmt.Errorf("parsing: %w", err)
	}
	var documented struct{ Validating, Mutating []ruleDoc }
	for _, folder := range s.Rules() {
		doc := s.document(folder, modules)
		if path.Base(path.Dir(folder)) == "mutate" {
			documented.Mutating = append(documented.Mutating, doc)
			continue
		}
		documented.Validating = append(documented.Validating, doc)
	}
	for _, docs := range [][]ruleDoc{documented.Validating, documented.Mutating} {
		slices.SortStableFunc(docs, func(a, b ruleDoc) int { return cmp.Compare(a.Code, b.Code) })
	}
	return template.Must(template.New("rules").Funcs(template.FuncMap{"cell": cell}).Parse(page)).Execute(out, documented)
}

// cell is a text in a cell of a table.
func cell(text string) string {
	return strings.NewReplacer("|", `\|`, "<", "&lt;", "\n", " ").Replace(text)
}

// document gathers what there is to say of a rule.
func (s *Set) document(folder string, modules map[string]*ast.Module) ruleDoc {
	doc := ruleDoc{Code: path.Base(folder)}
	var rules []*ast.Module
	for _, module := range s.asked() {
		if module.folder() == folder && !module.isTest() {
			rules = append(rules, modules[module.shown])
		}
	}
	fix := ""
	if said := annotations(rules); said != nil {
		doc.Title, doc.Description = said.Title, said.Description
		doc.Sources, _ = said.Custom["sources"].([]any)
		fix, _ = said.Custom["fix"].(string)
		for _, resource := range said.RelatedResources {
			doc.Related = append(doc.Related, related{URL: resource.Ref.String(), Description: resource.Description})
		}
	}
	for _, module := range rules {
		doc.Sentences = append(doc.Sentences, sentencesIn(module, fix)...)
	}
	slices.SortFunc(doc.Sentences, sentence.compare)
	doc.Sentences = slices.Compact(doc.Sentences)
	file := s.rulesOwn
	if parts := strings.Split(folder, "/"); parts[0] == "own" {
		file = s.own[parts[1]]
	}
	parameters, _ := file.values[doc.Code].(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(parameters)) {
		doc.Parameters = append(doc.Parameters, parameterDoc{Name: name, Type: typeOf(parameters[name])})
	}
	doc.Defaults = file.section(doc.Code)
	return doc
}

// compare orders sentences by what they do, then by field.
func (s sentence) compare(other sentence) int {
	return cmp.Or(
		cmp.Compare(s.Kind, other.Kind),
		cmp.Compare(s.Field, other.Field),
		cmp.Compare(s.Message, other.Message),
		cmp.Compare(s.Fix, other.Fix),
	)
}

// sentencesIn are the findings that the rules of a module build.
func sentencesIn(module *ast.Module, fix string) []sentence {
	var sentences []sentence
	for _, rule := range module.Rules {
		// Where a helper builds the finding, who uses it decides.
		kind := cmp.Or(map[string]string{"deny": "refuses", "warn": "warns"}[answer(rule)], "refuses or warns")
		own := fix
		for _, said := range rule.Annotations {
			if text, ok := said.Custom["fix"].(string); ok {
				own = text
			}
		}
		ast.WalkTerms(rule, func(term *ast.Term) bool {
			object, ok := term.Value.(ast.Object)
			if !ok || object.Get(ast.StringTerm("message")) == nil {
				return false
			}
			said := sentence{Kind: kind, Field: pattern(object, "field"), Message: pattern(object, "message"), Fix: pattern(object, "fix")}
			said.Fix = cmp.Or(said.Fix, own)
			sentences = append(sentences, said)
			return false
		})
	}
	return sentences
}

// verb is a verb of sprintf, or the percent sign that is written twice.
var verb = regexp.MustCompile(`%%|%[-+# 0]*[0-9]*(\.[0-9]+)?[a-zA-Z]`)

// pattern is the text of a key of a finding, with … for what depends on the gateway.
func pattern(object ast.Object, key string) string {
	term := object.Get(ast.StringTerm(key))
	if term == nil {
		return ""
	}
	switch value := term.Value.(type) {
	case ast.String:
		return string(value)
	case ast.Call:
		format, ok := value[1].Value.(ast.String)
		if value[0].Value.String() != ast.Sprintf.Name || !ok {
			return "…"
		}
		return verb.ReplaceAllStringFunc(string(format), func(found string) string {
			if found == "%%" {
				return "%"
			}
			return "…"
		})
	default:
		return "…"
	}
}

// typeOf names the type of a parameter.
func typeOf(value any) string {
	switch value := value.(type) {
	case map[string]any:
		return "object"
	case []any:
		if len(value) == 0 {
			return "list"
		}
		return "list of " + typeOf(value[0]) + "s"
	case bool:
		return "boolean"
	case string:
		return "string"
	case nil:
		return "nothing"
	default:
		return "number"
	}
}
