package goldens

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// configuration is what a webhook configuration says of each webhook, but for the CA, and its kind.
type configuration struct {
	Kind     string           `json:"kind"`
	Webhooks []map[string]any `json:"webhooks"`
}

// parsed reads a webhook configuration.
func parsed(t *testing.T, text []byte) configuration {
	t.Helper()
	out := configuration{}
	if err := yaml.Unmarshal(text, &out); err != nil {
		t.Fatal(err)
	}
	for _, webhook := range out.Webhooks {
		called, ok := webhook["clientConfig"].(map[string]any)
		if !ok {
			t.Fatalf("%v is called nowhere", webhook["name"])
		}
		delete(called, "caBundle")
	}
	return out
}

func TestTheFilesForStaticAdmissionSayWhatTheChartSays(t *testing.T) {
	manifest, err := os.ReadFile("testdata/url.out.yaml")
	if err != nil {
		t.Fatal(err)
	}
	compared := 0
	for _, document := range bytes.Split(manifest, []byte("\n---\n")) {
		if !bytes.Contains(document, []byte("WebhookConfiguration\n")) {
			continue
		}
		want := parsed(t, document)
		file := strings.ToLower(strings.TrimSuffix(want.Kind, "WebhookConfiguration"))
		text, err := os.ReadFile(filepath.Join("../../../docs/static-admission", file, "portcullis.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		if got := parsed(t, text); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %v, want %v", file, got, want)
		}
		compared++
	}
	if compared != 2 {
		t.Errorf("compared %d configurations, want both", compared)
	}
}
