package docs

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/gateway"
)

// annotationsOfTheGuard are what its webhook alone writes and asks: no user's.
var annotationsOfTheGuard = []string{gateway.AnnotationApprovedBy, gateway.AnnotationAdmitted, gateway.AnnotationRelease}

// declaredAnnotation is an annotation that a package declares: its name in Go, and its key.
var declaredAnnotation = regexp.MustCompile(`(?m)^(?:const )?\s*(Annotation\w+) += "([^"]+)"`)

// annotationsOfGateways are the annotations that a gateway may have, each with its name in Go.
func annotationsOfGateways(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, text := range sources(t, "pkg/gateway") {
		for _, found := range declaredAnnotation.FindAllStringSubmatch(text, -1) {
			out[found[2]] = found[1]
		}
	}
	if len(out) < 16 {
		t.Fatalf("found %d annotations, want all of them", len(out))
	}
	return out
}

// sources are the texts of the Go files of a folder and of those below, without tests.
func sources(t *testing.T, folder string) []string {
	t.Helper()
	var out []string
	err := filepath.WalkDir(filepath.Join(repository, folder), func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		out = append(out, string(text))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// tableRow is a row of a table of two columns that begins with a name.
var tableRow = regexp.MustCompile("(?m)^\\| (`[^|]+`) \\|([^|]*)\\|$")

// code finds what is written as code.
var code = regexp.MustCompile("`([^`]+)`")

// named are the names in the first column of the table of fields, and which of them have nothing beside them.
func named(page string) (names, empty []string) {
	_, table, _ := strings.Cut(page, "\n| fields and annotations |")
	table, _, _ = strings.Cut(table, "\n\n")
	for _, row := range tableRow.FindAllStringSubmatch(table, -1) {
		for _, name := range code.FindAllStringSubmatch(row[1], -1) {
			names = append(names, name[1])
			if strings.TrimSpace(row[2]) == "" {
				empty = append(empty, name[1])
			}
		}
	}
	return names, empty
}

func TestTheTableOfFieldsNamesEachOnceAndHasNoEmptyRow(t *testing.T) {
	page, err := os.ReadFile(filepath.Join(repository, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	names, empty := named(string(page))
	if len(empty) > 0 {
		t.Errorf("nothing is said of %v", empty)
	}
	want := specFields(reflect.TypeFor[v1beta1.IstioGatewaySpec]())
	for key := range annotationsOfGateways(t) {
		if !slices.Contains(annotationsOfTheGuard, key) {
			want = append(want, key)
		}
	}
	slices.Sort(names)
	slices.Sort(want)
	if !slices.Equal(names, want) {
		t.Errorf("the table names %v, want %v, each once", names, want)
	}
}

func TestATableThatSaysNothingOfAFieldIsFound(t *testing.T) {
	const page = "\n| fields and annotations | what they make |\n| --- | --- |\n| `a`, `b.c/d` | pods |\n| `e` |  |\n\n| `f` | no more |\n"
	names, empty := named(page)
	if !slices.Equal(names, []string{"a", "b.c/d", "e"}) || !slices.Equal(empty, []string{"e"}) {
		t.Errorf("got %v, of which %v are empty", names, empty)
	}
}

func TestThePageOfFieldsHasEachAnnotation(t *testing.T) {
	page, err := os.ReadFile(filepath.Join(repository, "docs/fields.md"))
	if err != nil {
		t.Fatal(err)
	}
	for key := range annotationsOfGateways(t) {
		if !slices.Contains(annotationsOfTheGuard, key) && !strings.Contains(string(page), "\n| `"+key+"` |") {
			t.Errorf("%s has no row", key)
		}
	}
}

// A key that the guard takes for a misspelt one while the controller goes by it would be warned of for nothing.
func TestTheGuardKnowsEachAnnotationOfOurs(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(repository, "policies/parameters.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var parameters struct {
		Annotations struct {
			Prefix string
			Known  []string
		}
	}
	if err := yaml.Unmarshal(text, &parameters); err != nil {
		t.Fatal(err)
	}
	for key := range annotationsOfGateways(t) {
		if strings.HasPrefix(key, parameters.Annotations.Prefix) && !slices.Contains(parameters.Annotations.Known, key) {
			t.Errorf("%s is not known in %v", key, parameters.Annotations.Known)
		}
	}
}

// unread are those of some annotations whose value no source reads.
func unread(annotations map[string]string, sources []string) []string {
	var out []string
	for key, name := range annotations {
		read := regexp.MustCompile(`nnotations\[(gateway\.)?` + name + `\]`)
		if !slices.ContainsFunc(sources, read.MatchString) {
			out = append(out, key)
		}
	}
	slices.Sort(out)
	return out
}

func TestEveryAnnotationIsReadBySomething(t *testing.T) {
	annotations := annotationsOfGateways(t)
	if found := unread(annotations, append(sources(t, "pkg"), sources(t, "cmd")...)); len(found) > 0 {
		t.Errorf("nothing reads %v", found)
	}
	annotations["portcullis.dev/decoration"] = "AnnotationDecoration"
	if found := unread(annotations, sources(t, "pkg")); !slices.Equal(found, []string{"portcullis.dev/decoration"}) {
		t.Errorf("nothing reads %v, want that it is found of one that nothing reads", found)
	}
}
