package render

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write testdata/*.out.yaml anew")

func TestGoldens(t *testing.T) {
	for name, in := range cases(t) {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join("testdata", name+".out.yaml")
			got := asYAML(t, rendered(t, in))
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
				t.Errorf("%s differs (run with -update and review the diff), first at %s", path, firstDifference(got, want))
			}
		})
	}
}

func TestEveryGoldenHasItsInput(t *testing.T) {
	outputs, err := filepath.Glob("testdata/*.out.yaml")
	if err != nil {
		t.Fatal(err)
	}
	known := cases(t)
	for _, path := range outputs {
		if known[strings.TrimSuffix(filepath.Base(path), ".out.yaml")] == nil {
			t.Errorf("%s has no input beside it", path)
		}
	}
}

// firstDifference shows the first line that differs.
func firstDifference(got, want []byte) string {
	gotLines, wantLines := strings.Split(string(got), "\n"), strings.Split(string(want), "\n")
	for i := range min(len(gotLines), len(wantLines)) {
		if gotLines[i] != wantLines[i] {
			return "got " + gotLines[i] + ", want " + wantLines[i]
		}
	}
	return "the end: one is longer"
}
