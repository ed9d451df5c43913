package docs

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/test/restart/edits"
)

// fieldRow is a row of the page of fields: the field, what it makes and what a change of it does.
var fieldRow = regexp.MustCompile("(?m)^\\| `([^`]+)` \\| ([^|]+) \\| ([^|]+) \\|$")

// specFields are the fields of a gateway's spec.
func specFields(spec reflect.Type) []string {
	var out []string
	for field := range spec.Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if field.Anonymous && name == "" {
			out = append(out, specFields(field.Type)...)
			continue
		}
		out = append(out, name)
	}
	return out
}

func TestThePageOfFieldsHasEachFieldAndWhatItsEditsDo(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(repository, "docs/fields.md"))
	if err != nil {
		t.Fatal(err)
	}
	change := map[string]string{}
	for _, row := range fieldRow.FindAllStringSubmatch(string(text), -1) {
		if change[row[1]] != "" || len(strings.TrimSpace(row[2])) == 0 {
			t.Errorf("%s must have one row that says what it makes, is %q", row[1], row[0])
		}
		change[row[1]] = row[3]
	}
	for _, field := range specFields(reflect.TypeFor[v1beta1.IstioGatewaySpec]()) {
		if change[field] == "" {
			t.Errorf("spec.%s has no row", field)
		}
	}
	restarts, loses := map[string]bool{}, map[string]bool{}
	for _, edit := range edits.All() {
		field, _, _ := strings.Cut(edit.Field, ".")
		if strings.Contains(edit.Field, "/") {
			field = edit.Field
		}
		restarts[field] = restarts[field] || edit.Restart
		loses[field] = loses[field] || edit.LostThere || edit.LostBack
	}
	delete(restarts, "example.com/team")
	for field := range restarts {
		if change[field] == "" {
			t.Errorf("%s has no row, and is edited in test/restart", field)
			continue
		}
		if says := strings.Contains(change[field], "restart"); says != restarts[field] {
			t.Errorf("%s says %q, and restarts pods: %t", field, change[field], restarts[field])
		}
		if says := strings.Contains(change[field], "address"); says != loses[field] && !strings.HasPrefix(change[field], "nothing by itself") {
			t.Errorf("%s says %q, and releases an address: %t", field, change[field], loses[field])
		}
	}
}
