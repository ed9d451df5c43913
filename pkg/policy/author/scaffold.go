package author

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"text/template"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/format"
)

//go:embed scaffold/*.tmpl
var scaffolds embed.FS

// Scaffold is a rule that is about to be written.
type Scaffold struct {
	// Name of the rule, which is its code.
	Name string
	// Policy is the GatewayPolicy that the rule is for; empty for a rule of a library.
	Policy string
	// Mutate starts a rule that fills in; otherwise one that refuses.
	Mutate bool
}

// names of rules, and of GatewayPolicies that have rules.
var (
	ruleName   = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)
	policyName = regexp.MustCompile(`^[a-z]([-a-z0-9]*[a-z0-9])?$`)
)

// Kind is the folder of the rule's kind.
func (s Scaffold) Kind() string {
	if s.Mutate {
		return "mutate"
	}
	return "validate"
}

// Folder is the rule's folder in its library.
func (s Scaffold) Folder() string {
	if s.Policy == "" {
		return path.Join(s.Kind(), s.Name)
	}
	return path.Join("own", PackageOf(s.Policy), s.Kind(), s.Name)
}

// Package is the rule's package.
func (s Scaffold) Package() string {
	return strings.ReplaceAll(s.Folder(), "/", ".")
}

// Title is the rule's name in words.
func (s Scaffold) Title() string {
	words := strings.ReplaceAll(s.Name, "_", " ")
	return strings.ToUpper(words[:1]) + words[1:]
}

// PackageOf is the name that a GatewayPolicy has in Rego, where names have no hyphens.
func PackageOf(policy string) string {
	return strings.ReplaceAll(policy, "-", "_")
}

// PolicyOf is the GatewayPolicy whose name in Rego is given: the names of Kubernetes have no underscores.
func PolicyOf(pkg string) string {
	return strings.ReplaceAll(pkg, "_", "-")
}

// check refuses names that Rego or Kubernetes would.
func (s Scaffold) check() error {
	if !ruleName.MatchString(s.Name) || strings.HasSuffix(s.Name, "_test") || ast.IsKeyword(s.Name) {
		return fmt.Errorf("name of a rule must be lower-case letters, digits and underscores, begin with a letter and be no word of Rego, is %q", s.Name)
	}
	if s.Policy != "" && (!policyName.MatchString(s.Policy) || ast.IsKeyword(PackageOf(s.Policy))) {
		return fmt.Errorf("name of a policy must be lower-case letters, digits and hyphens, begin with a letter and be no word of Rego, is %q", s.Policy)
	}
	return nil
}

// Write writes the rule and its test below a folder, and returns their paths. They pass Lint, and Test with full
// coverage, as they are. A rule that is there is never touched.
func (s Scaffold) Write(folder string) ([]string, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	target := filepath.Join(folder, filepath.FromSlash(s.Folder()))
	if _, err := os.Lstat(target); !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s must not be there yet, is", target)
	}
	templates, err := template.ParseFS(scaffolds, "scaffold/*.tmpl")
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	for _, suffix := range []string{moduleSuffix, testSuffix} {
		if files[s.Name+suffix], err = s.render(templates, s.Kind()+suffix+".tmpl"); err != nil {
			return nil, err
		}
	}
	if err := os.MkdirAll(target, 0o755); err != nil {
		return nil, err
	}
	var written []string
	for _, suffix := range []string{moduleSuffix, testSuffix} {
		file := filepath.Join(target, s.Name+suffix)
		if err := os.WriteFile(file, files[s.Name+suffix], 0o644); err != nil {
			return nil, err
		}
		written = append(written, file)
	}
	return written, nil
}

// render fills in a template and formats what comes of it.
func (s Scaffold) render(templates *template.Template, name string) ([]byte, error) {
	var text bytes.Buffer
	if err := templates.ExecuteTemplate(&text, name, s); err != nil {
		return nil, err
	}
	return format.SourceWithOpts(name, text.Bytes(), format.Opts{RegoVersion: ast.RegoV1})
}
