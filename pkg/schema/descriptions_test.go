package schema

import (
	"io/fs"
	"testing"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"sigs.k8s.io/yaml"

	"portcullis.dev/portcullis/charts"
)

// What people read in kubectl explain is the descriptions in the schema, so no field may be without one.
func TestEveryFieldOfEveryKindIsDescribed(t *testing.T) {
	names, err := fs.Glob(charts.CRDs, "portcullis/files/crds/*.yaml")
	if err != nil || len(names) == 0 {
		t.Fatalf("found CRDs %v, %v", names, err)
	}
	fields := 0
	for _, name := range names {
		raw, err := fs.ReadFile(charts.CRDs, name)
		if err != nil {
			t.Fatal(err)
		}
		crd := &apiextensionsv1.CustomResourceDefinition{}
		if err := yaml.UnmarshalStrict(raw, crd); err != nil {
			t.Fatal(err)
		}
		for _, version := range crd.Spec.Versions {
			fields += described(t, crd.Spec.Names.Kind+" "+version.Name, *version.Schema.OpenAPIV3Schema)
		}
	}
	if fields < 1000 {
		t.Errorf("looked at %d fields only", fields)
	}
}

// described looks for a description on each field of a schema, and counts the fields.
func described(t *testing.T, path string, schema apiextensionsv1.JSONSchemaProps) int {
	t.Helper()
	fields := 0
	for name, field := range schema.Properties {
		fields++
		if field.Description == "" && path+"."+name != path+".metadata" {
			t.Errorf("%s.%s has no description", path, name)
		}
		fields += described(t, path+"."+name, field)
	}
	if schema.Items != nil && schema.Items.Schema != nil {
		fields += described(t, path+"[]", *schema.Items.Schema)
	}
	if schema.AdditionalProperties != nil && schema.AdditionalProperties.Schema != nil {
		fields += described(t, path+"{}", *schema.AdditionalProperties.Schema)
	}
	return fields
}
