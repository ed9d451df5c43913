package docs

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// complaint is a row of the page of complaints: its number if it has one, what it was reported as, and what holds it.
var complaint = regexp.MustCompile(`(?m)^\| (\d*) ?\| ([\w./-]+#\d+) \|.*\| ([^|]+) \|$`)

// holder is the test that a row names.
var holder = regexp.MustCompile("^`([^`]+)`: (.+)$")

func TestThePageOfComplaintsNamesTestsThatAreThere(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(repository, "docs/complaints.md"))
	if err != nil {
		t.Fatal(err)
	}
	next := 1
	for _, row := range complaint.FindAllStringSubmatch(string(text), -1) {
		number, reported, held := row[1], row[2], row[3]
		if number != "" {
			if number != strconv.Itoa(next) {
				t.Fatalf("got complaint %s, want %d", number, next)
			}
			next++
		}
		names := holder.FindStringSubmatch(held)
		if names == nil {
			if !strings.HasPrefix(held, "nothing that one test could show: ") {
				t.Errorf("%s: got %q, want a test or why there is none", reported, held)
			}
			continue
		}
		source, err := os.ReadFile(filepath.Join(repository, names[1]))
		if err != nil {
			t.Errorf("%s: %v", reported, err)
			continue
		}
		if name := `("` + names[2] + " (" + reported + `)"`; !strings.Contains(string(source), name) {
			t.Errorf("%s must have a test %s), has none", names[1], name)
		}
	}
	if next != 31 {
		t.Errorf("got %d complaints, want 30", next-1)
	}
}
