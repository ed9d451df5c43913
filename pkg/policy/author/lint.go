package author

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/format"
)

// Finding is something that is not as it must be in the form of a rule.
type Finding struct {
	// File, Line and Column where it is; Column 0 means the line as a whole.
	File   string `json:"file"`
	Line   int    `json:"line"`
	Column int    `json:"column,omitempty"`
	// Check that found it, for example metadata.
	Check string `json:"check"`
	// Message says what it must be and what it is.
	Message string `json:"message"`
	// Fix says what to do about it.
	Fix string `json:"fix"`
}

// String is the one line that a person reads: file:line:column: check: message (fix).
func (f Finding) String() string {
	return fmt.Sprintf("%s:%d:%d: %s: %s (%s)", f.File, f.Line, max(1, f.Column), f.Check, f.Message, f.Fix)
}

// Compare orders findings by place.
func (f Finding) Compare(other Finding) int {
	return cmp.Or(
		cmp.Compare(f.File, other.File),
		cmp.Compare(f.Line, other.Line),
		cmp.Compare(f.Column, other.Column),
		cmp.Compare(f.Check, other.Check),
		cmp.Compare(f.Message, other.Message),
	)
}

// linter looks at modules that parse.
type linter struct {
	set    *Set
	parsed map[string]*ast.Module
}

// Lint holds the rules that the author asks about to their form, and says everything that is not as it must be, by
// place. What does not parse is judged for that alone.
func (s *Set) Lint() []Finding {
	linter := linter{set: s, parsed: map[string]*ast.Module{}}
	var findings []Finding
	for _, module := range s.modules {
		parsed, err := module.parse()
		if err != nil {
			findings = append(findings, broken(err, "syntax", "write what Rego can read")...)
			continue
		}
		linter.parsed[module.shown] = parsed
	}
	if len(findings) == 0 {
		findings = append(findings, linter.compile()...)
	}
	checks := []func(module, *ast.Module) []Finding{s.checkFormat, s.checkPackage, s.checkBuiltins, s.checkCodes}
	for _, module := range s.asked() {
		for _, check := range checks {
			if parsed := linter.parsed[module.shown]; parsed != nil {
				findings = append(findings, check(module, parsed)...)
			}
		}
	}
	for _, folder := range s.Rules() {
		findings = append(findings, linter.checkRule(folder)...)
	}
	findings = append(findings, s.checkParameters()...)
	slices.SortFunc(findings, Finding.Compare)
	return slices.Compact(findings)
}

// compile compiles the rules as the engine does, and then with their tests: a rule that only compiles beside its test
// would stop the engine.
func (l linter) compile() []Finding {
	for _, modules := range [][]module{l.set.withoutTests(), l.set.modules} {
		parsed := map[string]*ast.Module{}
		for _, module := range modules {
			parsed[module.shown] = l.parsed[module.shown]
		}
		compiler := l.set.compiler()
		if compiler.Compile(parsed); compiler.Failed() {
			return l.set.withoutForbidden(broken(compiler.Errors, "compile", "write what compiles strictly"))
		}
	}
	return nil
}

// withoutForbidden leaves out what checkBuiltins says in better words.
func (s *Set) withoutForbidden(findings []Finding) []Finding {
	return slices.DeleteFunc(findings, func(f Finding) bool {
		name, ok := strings.CutPrefix(f.Message, "must compile, does not: undefined function ")
		return ok && s.isForbidden(name)
	})
}

// broken is a finding for each error of the parser or the compiler.
func broken(err error, check, fix string) []Finding {
	var all ast.Errors
	if !errors.As(err, &all) {
		return []Finding{{File: "-", Line: 1, Check: check, Message: "must compile, does not: " + err.Error(), Fix: fix}}
	}
	var findings []Finding
	for _, one := range all {
		finding := Finding{Check: check, Message: "must compile, does not: " + one.Message, Fix: fix}
		if one.Location != nil {
			finding.File, finding.Line, finding.Column = one.Location.File, one.Location.Row, one.Location.Col
		}
		findings = append(findings, finding)
	}
	return findings
}

// checkFormat wants what opa fmt would write.
func (s *Set) checkFormat(module module, _ *ast.Module) []Finding {
	formatted, err := module.formatted()
	if err != nil {
		return broken(err, "format", "write what opa fmt can format")
	}
	if bytes.Equal(formatted, module.text) {
		return nil
	}
	return []Finding{{
		File: module.shown, Line: firstDifference(module.text, formatted), Check: "format",
		Message: "must be as opa fmt writes it, is not", Fix: "run kubectl portcullis policy lint --fix",
	}}
}

// formatted is the module as opa fmt writes it.
func (m module) formatted() ([]byte, error) {
	return format.SourceWithOpts(m.shown, m.text, format.Opts{RegoVersion: ast.RegoV1})
}

// firstDifference is the first line in which two texts differ.
func firstDifference(a, b []byte) int {
	left, right := bytes.Split(a, []byte("\n")), bytes.Split(b, []byte("\n"))
	for i := range min(len(left), len(right)) {
		if !bytes.Equal(left[i], right[i]) {
			return i + 1
		}
	}
	return min(len(left), len(right))
}

// Formatted are the files that opa fmt would write otherwise, by their path in the library, as it would write them. What
// cannot be parsed is left out.
func (s *Set) Formatted() map[string][]byte {
	files := map[string][]byte{}
	for _, module := range s.asked() {
		formatted, err := module.formatted()
		if err == nil && !bytes.Equal(formatted, module.text) {
			files[module.path] = formatted
		}
	}
	return files
}

// checkPackage wants the package that its folder says: nothing would ever ask another one.
func (s *Set) checkPackage(module module, parsed *ast.Module) []Finding {
	want := strings.ReplaceAll(module.folder(), "/", ".")
	if module.isTest() {
		want += "_test"
	}
	is := strings.TrimPrefix(parsed.Package.Path.String(), "data.")
	if is == want {
		return nil
	}
	return []Finding{at(parsed.Package.Location, "package",
		fmt.Sprintf("must be %s, as its folder, is %s", want, is), "rename the package, or move the file")}
}

// at is a finding at a place.
func at(location *ast.Location, check, message, fix string) Finding {
	return Finding{File: location.File, Line: location.Row, Column: location.Col, Check: check, Message: message, Fix: fix}
}
