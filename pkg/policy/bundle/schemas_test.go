package bundle

import (
	"context"
	"encoding/json"
	"io"
	"reflect"
	"testing"
	"testing/fstest"

	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
)

func TestSchemasComeOutOfABundleAsTheyWentIn(t *testing.T) {
	library := rules("no")
	library["schemas/input.json"] = &fstest.MapFile{Data: []byte(`{"type": "object", "properties": {"now": {"maxLength": 4294967295}}}`)}
	library["parameters.schema.json"] = &fstest.MapFile{Data: []byte(`{"$ref": "schemas/input.json#/definitions/spec"}`)}
	var data map[string]any
	if err := json.Unmarshal([]byte(unpacked(t, built(t, library, BuildOptions{Revision: "A"}))["/data.json"]), &data); err != nil {
		t.Fatal(err)
	}
	g := &gate{Store: inmem.NewFromObject(data), bundle: "b"}
	err := storage.Txn(t.Context(), g.Store, storage.TransactionParams{}, func(txn storage.Transaction) error {
		files, err := g.data(context.Background(), txn)
		if err != nil {
			return err
		}
		for _, name := range schemaFiles() {
			if got, want := decoded(t, files[name].Data), decoded(t, library[name].Data); !reflect.DeepEqual(got, want) {
				t.Errorf("%s came out as %v, want %v", name, got, want)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestBuildRefusesASchemaThatIsNone(t *testing.T) {
	library := rules("no")
	library["parameters.schema.json"] = &fstest.MapFile{Data: []byte("{")}
	err := Build(io.Discard, library, BuildOptions{Revision: "A"})
	if err == nil || err.Error() != "reading the schemas: parameters.schema.json: unexpected end of JSON input" {
		t.Errorf("got %v", err)
	}
}

// decoded is JSON as a value.
func decoded(t *testing.T, text []byte) any {
	t.Helper()
	var out any
	if err := json.Unmarshal(text, &out); err != nil {
		t.Fatal(err)
	}
	return out
}
