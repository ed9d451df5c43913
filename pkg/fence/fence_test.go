package fence

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

var update = flag.Bool("update", false, "write testdata/*.yaml anew")

// asYAML is the fence as a file of objects.
func asYAML(t *testing.T, options Options) []byte {
	t.Helper()
	var out [][]byte
	for _, object := range Objects(options) {
		raw, err := json.Marshal(object)
		if err != nil {
			t.Fatal(err)
		}
		text, err := yaml.JSONToYAML(raw)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, text)
	}
	return bytes.Join(out, []byte("---\n"))
}

func TestGoldens(t *testing.T) {
	for name, options := range map[string]Options{
		"plain":     {Controller: "system:serviceaccount:portcullis-system:portcullis-controller"},
		"emergency": {Controller: "portcullis", CloudControllers: []string{"acs:ccm", "other"}, EmergencyGroup: "break-glass"},
	} {
		t.Run(name, func(t *testing.T) {
			path := "testdata/" + name + ".yaml"
			got := asYAML(t, options)
			if *update {
				if err := os.WriteFile(path, got, 0o600); err != nil {
					t.Fatal(err)
				}
				return
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("%s differs (run with -update and review the diff), got\n%s", path, got)
			}
		})
	}
}

func TestNobodyPassesByANameThatBreaksOutOfItsQuotes(t *testing.T) {
	const evil = `x" || true || "x`
	text := string(asYAML(t, Options{Controller: evil, EmergencyGroup: evil}))
	if strings.Contains(text, evil) {
		t.Errorf("a name is part of an expression:\n%s", text)
	}
	if got := strings.Count(text, `x\" || true || \"x`); got != 2 {
		t.Errorf("got the name %d times as text, want 2:\n%s", got, text)
	}
}

func TestWithoutAnEmergencyGroupNobodyIsOfIt(t *testing.T) {
	if got := emergency(Options{}); got != "false" {
		t.Errorf("got %q, want false: every user may be of the group without a name", got)
	}
}
