package schema

import (
	"io/fs"
	"reflect"
	"testing"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"sigs.k8s.io/yaml"

	"portcullis.dev/portcullis/charts"
)

func TestEveryVersionOfAGatewayIsListedAlike(t *testing.T) {
	text, err := fs.ReadFile(charts.CRDs, "portcullis/files/crds/istio.alibabacloud.com_istiogateways.yaml")
	if err != nil {
		t.Fatal(err)
	}
	definition := &apiextensionsv1.CustomResourceDefinition{}
	if err := yaml.UnmarshalStrict(text, definition); err != nil {
		t.Fatal(err)
	}
	want := []string{"Type", "Clusters", "Addresses", "Ready", "Restart Pending", "Status (wide)", "Message (wide)", "Age"}
	for _, version := range definition.Spec.Versions {
		var got []string
		for _, column := range version.AdditionalPrinterColumns {
			if column.Priority > 0 {
				column.Name += " (wide)"
			}
			got = append(got, column.Name)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s has the columns %q, want %q", version.Name, got, want)
		}
	}
}
