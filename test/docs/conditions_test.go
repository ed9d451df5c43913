package docs

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// told names the constants that say a condition or a reason.
var told = regexp.MustCompile(`^([rR]eason|Condition)[A-Z]|^(UpgradeHeld|NotAdmitted|TemplateDrifted|RestoredOlder)$`)

// toldIn are the conditions and reasons that a package can tell.
func toldIn(t *testing.T, folder string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(repository, folder, "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%s must hold Go files: %v", folder, err)
	}
	var out []string
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(node ast.Node) bool {
			spec, ok := node.(*ast.ValueSpec)
			if !ok || len(spec.Values) != 1 || !told.MatchString(spec.Names[0].Name) {
				return true
			}
			if literal, ok := spec.Values[0].(*ast.BasicLit); ok && literal.Kind == token.STRING {
				word, err := strconv.Unquote(literal.Value)
				if err != nil {
					t.Fatal(err)
				}
				out = append(out, word)
			}
			return true
		})
	}
	return out
}

func TestThePageOfConditionsHasEachOneAndEachReason(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(repository, "docs/conditions.md"))
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, folder := range []string{"pkg/api/istio/v1beta1", "pkg/api/v1alpha1", "pkg/reconcile", "pkg/cluster", "pkg/audit"} {
		for _, word := range toldIn(t, folder) {
			known[word] = true
			if !strings.Contains(string(text), "`"+word+"` |") {
				t.Errorf("%s, which %s tells, has no row", word, folder)
			}
		}
	}
	for _, row := range regexp.MustCompile("(?m)^\\| (?:`(\\w+)`)? ?\\| \\w+ `(\\w+)` \\|").FindAllStringSubmatch(string(text), -1) {
		for _, word := range row[1:] {
			if word != "" && !known[word] {
				t.Errorf("%s has a row, and nothing tells it", word)
			}
		}
	}
}
