package audit

import (
	"strings"
	"testing"
	"testing/fstest"

	"portcullis.dev/portcullis/policies"
)

func TestRulebookTakesItsLibraryFromABundle(t *testing.T) {
	b := newBench(t)
	woken := 0
	b.rules.library, b.rules.changed = nil, func() { woken++ }
	if _, err := b.rules.current(t.Context()); err == nil || !strings.Contains(err.Error(), "rules must have come from their bundle, have not yet") {
		t.Errorf("got error %v before there was a bundle", err)
	}
	if err := b.rules.SetLibrary(t.Context(), policiesWith(t, `said := "one"`), "1"); err != nil {
		t.Fatal(err)
	}
	first, err := b.rules.current(t.Context())
	if err != nil || woken != 1 || !strings.HasPrefix(first.Revision(), "1+") {
		t.Fatalf("got error %v and %d audits of all, want one by revision 1", err, woken)
	}
	// One that cannot be used changes nothing, and audits nothing anew.
	if err := b.rules.SetLibrary(t.Context(), fstest.MapFS{}, "2"); err == nil {
		t.Error("took a bundle without rules")
	}
	if stays, err := b.rules.current(t.Context()); err != nil || stays != first || woken != 1 {
		t.Errorf("got error %v, another set of rules, or an audit of all", err)
	}
	if err := b.rules.SetLibrary(t.Context(), policies.FS, "3"); err != nil {
		t.Fatal(err)
	}
	if next, err := b.rules.current(t.Context()); err != nil || woken != 2 || !strings.HasPrefix(next.Revision(), "3+") {
		t.Errorf("got error %v after %d audits of all, want rules of revision 3 after two", err, woken)
	}
}

// Compiling takes a thousand times as long as asking.
func TestRulebookCompilesOnlyWhatIsNew(t *testing.T) {
	b := newBench(t)
	first, err := b.rules.current(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if second, err := b.rules.current(t.Context()); err != nil || second != first {
		t.Errorf("got error %v, or compiled the same again", err)
	}
}
