package author_test

import (
	"strings"
	"testing"

	"portcullis.dev/portcullis/pkg/policy/author"
)

// slow takes its time.
const slow = metadata + `package validate.slow

deny contains n if {
	some n in numbers.range(1, 2000)
	n * n == -1
}
`

func TestProfileSaysWhichRuleTakesMostOfTheTime(t *testing.T) {
	set := load(t, but(sound(), "validate/slow/slow.rego", slow))
	shares, err := set.Profile(t.Context(), []any{map[string]any{"gateway": map[string]any{}}}, 3)
	if err != nil {
		t.Fatal(err)
	}
	if shares[0].Rule != "validate/slow" || shares[0].Percent < 50 {
		t.Errorf("got %+v first, want validate/slow with most of the time", shares[0])
	}
	if !strings.HasPrefix(shares[0].Slowest, "rules/validate/slow/slow.rego:1") {
		t.Errorf("got %s as its slowest line", shares[0].Slowest)
	}
	if share := shares[0].SlowestPercent; share <= 0 || share > shares[0].Percent {
		t.Errorf("got %v %% for the slowest line of %v %%", share, shares[0].Percent)
	}
	total, seen := 0.0, map[string]bool{}
	for i, share := range shares {
		total += share.Percent
		seen[share.Rule] = true
		if i > 0 && share.Percent > shares[i-1].Percent {
			t.Errorf("%s is slower than what is before it", share.Rule)
		}
	}
	if total < 99.9 || total > 100.1 {
		t.Errorf("shares add up to %v %%, want 100 %%", total)
	}
	for _, rule := range []string{"validate/a", "validate/ports", "main"} {
		if !seen[rule] {
			t.Errorf("%s is not among %v", rule, shares)
		}
	}
}

func TestProfileSaysWhyItCouldNot(t *testing.T) {
	_, err := load(t, but(sound(), "validate/a/a.rego", "package")).Profile(t.Context(), nil, 1)
	expectError(t, err, "parsing: ", "rules/validate/a/a.rego:1")
	_, err = load(t, but(sound(), "validate/a/a.rego", "package validate.a\n\nb := c\n")).Profile(t.Context(), nil, 1)
	expectError(t, err, "compiling: ", "rules/validate/a/a.rego:3")
	_, err = load(t, sound()).Profile(t.Context(), []any{func() {}}, 1)
	expectError(t, err, "reading the input: ")
	var none []author.Share
	if none, err = load(t, sound()).Profile(t.Context(), nil, 1); err != nil || len(none) > 0 {
		t.Errorf("got %v and %v, want nothing of no input", none, err)
	}
}
