package render

import (
	"maps"
	"os"
	"path/filepath"
	"testing"

	"sigs.k8s.io/yaml"
)

// record is what a version of the renderer made of the goldens.
type record struct {
	// Version is the renderer's.
	Version int64 `json:"version"`
	// Templates are the hashes of the pod templates, by golden.
	Templates map[string]string `json:"templates"`
}

// differs says of each golden that this renderer renders another way than the record says, while its version is the
// same. A golden that is new is none.
func (r record) differs(now record) []string {
	var out []string
	for name, hash := range r.Templates {
		if rendered, there := now.Templates[name]; there && rendered != hash && r.Version >= now.Version {
			out = append(out, name)
		}
	}
	return out
}

// A renderer that changes pods under its old version would restart every gateway at the next upgrade, unasked.
func TestVersionIsRaisedWhenAPodTemplateChanges(t *testing.T) {
	path := filepath.Join("testdata", "version.yaml")
	raw, err := os.ReadFile(path)
	if err != nil && !*update {
		t.Fatal(err)
	}
	var recorded record
	if err := yaml.UnmarshalStrict(raw, &recorded); err != nil {
		t.Fatalf("reading %s: %v", path, err)
	}
	now := record{Version: Version, Templates: map[string]string{}}
	for name, in := range cases(t) {
		hash, err := rendered(t, in).TemplateHash()
		if err != nil {
			t.Fatal(err)
		}
		now.Templates[name] = hash
	}
	if names := recorded.differs(now); len(names) > 0 {
		t.Fatalf("the pod templates of %v changed: raise Version, run with -update and review the diff", names)
	}
	if *update {
		raw, err := yaml.Marshal(now)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, raw, 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if recorded.Version != Version || !maps.Equal(recorded.Templates, now.Templates) {
		t.Errorf("%s is not of this renderer (run with -update and review the diff)", path)
	}
}

func TestRecordTellsARendererThatChangedFromOneThatWasRaised(t *testing.T) {
	recorded := record{Version: 3, Templates: map[string]string{"edge": "a"}}
	tests := map[string]struct {
		now    record
		differ int
	}{
		"the same":                  {record{3, map[string]string{"edge": "a"}}, 0},
		"another template":          {record{3, map[string]string{"edge": "b"}}, 1},
		"another template, raised":  {record{4, map[string]string{"edge": "b"}}, 0},
		"another template, lowered": {record{2, map[string]string{"edge": "b"}}, 1},
		"a golden more":             {record{3, map[string]string{"edge": "a", "new": "c"}}, 0},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got := recorded.differs(test.now); len(got) != test.differ {
				t.Errorf("got %v, want %d", got, test.differ)
			}
		})
	}
}
