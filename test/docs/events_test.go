package docs

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// toldAsEvent is the reason of an event where it is told, in Go source; the action follows it.
var toldAsEvent = regexp.MustCompile(`(?m)(?:Eventf|normal)\(.*?, "([A-Z][A-Za-z]+)", "[A-Z][A-Za-z]+"`)

func TestThePageOfEventsHasEachReasonAndNoOther(t *testing.T) {
	page, err := os.ReadFile(filepath.Join(repository, "docs/events.md"))
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, folder := range []string{"pkg/reconcile", "pkg/cluster", "pkg/audit"} {
		files, err := filepath.Glob(filepath.Join(repository, folder, "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s must hold Go files: %v", folder, err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			source, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, reason := range toldAsEvent.FindAllStringSubmatch(string(source), -1) {
				known[reason[1]] = true
				if !strings.Contains(string(page), "| `"+reason[1]+"` |") {
					t.Errorf("%s, which %s tells, has no row", reason[1], file)
				}
			}
		}
	}
	for _, row := range regexp.MustCompile("(?m)^\\| `(\\w+)` \\|").FindAllStringSubmatch(string(page), -1) {
		if !known[row[1]] {
			t.Errorf("%s has a row, and nothing tells it", row[1])
		}
	}
}
