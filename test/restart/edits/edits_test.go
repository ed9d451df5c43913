package edits_test

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/api/v1alpha1"
	"portcullis.dev/portcullis/pkg/change"
	"portcullis.dev/portcullis/pkg/gateway"
	"portcullis.dev/portcullis/test/restart/edits"
)

// fieldsOf lists the JSON names of a type's fields, those of embedded types among them.
func fieldsOf(of reflect.Type) []string {
	var out []string
	for i := range of.NumField() {
		name, _, _ := strings.Cut(of.Field(i).Tag.Get("json"), ",")
		if name == "" {
			out = append(out, fieldsOf(of.Field(i).Type)...)
			continue
		}
		out = append(out, name)
	}
	return out
}

func TestEveryFieldIsEdited(t *testing.T) {
	fields := append(fieldsOf(reflect.TypeFor[v1beta1.IstioGatewaySpec]()), "kernel.enabled", "kernel.parameters")
	named := map[string]bool{}
	for _, edit := range edits.All() {
		if named[edit.String()] {
			t.Errorf("%s is listed twice", edit)
		}
		named[edit.String()] = true
		top, _, _ := strings.Cut(edit.Field, ".")
		if !strings.Contains(edit.Field, "/") && !slices.Contains(fields, top) {
			t.Errorf("%s is no field", edit.Field)
		}
	}
	for _, field := range fields {
		listed := slices.ContainsFunc(edits.All(), func(edit edits.Edit) bool {
			return edit.Field == field || strings.HasPrefix(edit.Field, field+".")
		})
		if !listed {
			t.Errorf("%s is edited by nothing", field)
		}
	}
}

// declared finds the keys of the annotations that the package of gateways declares.
var declared = regexp.MustCompile(`(?m)^(?:const )?\s*Annotation\w+ += "([^"]+)"`)

func TestEveryAnnotationThatCountsIsEdited(t *testing.T) {
	files, err := filepath.Glob("../../../pkg/gateway/*.go")
	if err != nil {
		t.Fatal(err)
	}
	counting := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range declared.FindAllStringSubmatch(string(text), -1) {
			if !gateway.Counts(found[1]) {
				continue
			}
			counting++
			if !slices.ContainsFunc(edits.All(), func(edit edits.Edit) bool { return edit.Field == found[1] }) {
				t.Errorf("%s is edited by nothing", found[1])
			}
		}
	}
	if counting < 12 {
		t.Errorf("found %d annotations that count, want all of them", counting)
	}
}

// The API says of each field itself whether it restarts pods: those of PodSettings do, and no other.
func TestTheListAgreesWithTheAPI(t *testing.T) {
	pods := fieldsOf(reflect.TypeFor[v1beta1.PodSettings]())
	for _, edit := range edits.All() {
		top, _, _ := strings.Cut(edit.Field, ".")
		if edit.How == "" && !strings.Contains(edit.Field, "/") && edit.Restart != slices.Contains(pods, top) {
			t.Errorf("%s: restart is %t, the API says otherwise", edit, edit.Restart)
		}
	}
}

func TestEveryEditIsPredictedThereAndBack(t *testing.T) {
	for _, edit := range edits.All() {
		t.Run(edit.String(), func(t *testing.T) {
			before, after, err := edit.Versions("istio-system", "edge")
			if err != nil {
				t.Fatal(err)
			}
			expect(t, edit, before, after, edit.LostThere)
			expect(t, edit, after, before, edit.LostBack)
		})
	}
}

// expect holds the prediction of an edit against the list, and that it blames the edited field for it.
func expect(t *testing.T, edit edits.Edit, before, after *v1beta1.IstioGateway, lost bool) {
	t.Helper()
	local := v1alpha1.GatewayCluster{}
	local.Name, local.Spec.Managed = edits.Cluster, new(true)
	local.Spec.Mesh = edit.Profile()
	got, err := change.Between(before, after, []v1alpha1.GatewayCluster{local})
	if err != nil {
		t.Fatal(err)
	}
	if happens := len(got.Effects[change.Restart]) > 0; happens != edit.Restart {
		t.Errorf("predicted restarts in %v, want them: %t", got.Effects[change.Restart], edit.Restart)
	}
	if happens := len(got.Effects[change.AddressLoss]) > 0; happens != lost {
		t.Errorf("predicted lost addresses in %v, want them: %t", got.Effects[change.AddressLoss], lost)
	}
	blamed := false
	for _, field := range got.Changes {
		blames := strings.Contains(field.Path, edit.Field)
		blamed = blamed || blames && len(field.Effects) > 0
		// With hostNetwork comes another default of dnsPolicy.
		if !blames && len(field.Effects) > 0 && edit.Field != "hostNetwork" {
			t.Errorf("%s is blamed", field.Path)
		}
	}
	if blamed != (edit.Restart || lost) {
		t.Errorf("the field is blamed: %t", blamed)
	}
}
