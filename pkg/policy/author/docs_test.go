package author_test

import (
	"errors"
	"flag"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write what comes out as what is wanted")

// documented is one rule of each kind, with all that a page can say of them.
func documented() map[string]string {
	return but(sound(),
		"validate/a/more.rego", `package validate.a

import data.lib.result

# METADATA
# description: What is said in words of several parts.
# custom:
#   fix: the rule's own
warn contains finding if {
	some i, port in input.gateway.spec.ports
	finding := result.finding(rego.metadata.chain(), {
		"field": sprintf("spec.ports[%d].name", [i]),
		"message": sprintf("must be at most 5 %% of %v | %s, is <%q>", [1, 2, port]),
	})
}

deny contains helped("c", "a|b") if input.gateway.spec.b

helped(field, fix) := {"field": field, "message": "must not be there, is", "fix": fix}
`,
		"mutate/b/b.rego", metadata+"package mutate.b\n\nfill[\"/spec/b\"] := data.parameters.b.number\n",
		"mutate/a/a.rego", strings.Replace(metadata, "# related_resources:\n#   - ref: https://example.com/a\n#     description: What is read there\n", "# custom:\n#   sources:\n#     - A book\n", 1)+"package mutate.a\n\nfill[\"/spec/a\"] := 1\n",
		"own/acme/validate/c/c.rego", metadata+"package own.acme.validate.c\n\ndeny contains 1 if input.c\n",
		"own/acme/parameters.yaml", "c:\n  own: [1]\n",
		"parameters.yaml", `# About all.
a:
  # A number.
  number: 1
  list: [a]
  empty: []

  object: {b: 1}
  switch: true
  text: a
ab: {}
b:
  number: 2
`)
}

func TestDocsSaysWhatRulesSayOfThemselves(t *testing.T) {
	var page strings.Builder
	if err := load(t, documented()).Docs(&page); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile("testdata/docs.md", []byte(page.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("testdata/docs.md")
	if err != nil {
		t.Fatal(err)
	}
	if page.String() != string(want) {
		t.Errorf("got\n%s\nwant\n%s", page.String(), want)
	}
}

func TestDocsLeavesOutWhatThereIsNot(t *testing.T) {
	var page strings.Builder
	if err := load(t, documented(), "mutate/b").Docs(&page); err != nil {
		t.Fatal(err)
	}
	for _, absent := range []string{"## What is refused", "mutate/a", "acme", "](#a)"} {
		if strings.Contains(page.String(), absent) {
			t.Errorf("%s\nsays %s", page.String(), absent)
		}
	}
}

// full takes nothing.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space left") }

func TestDocsSaysWhyItCouldNot(t *testing.T) {
	err := load(t, but(sound(), "validate/a/a.rego", "package")).Docs(&strings.Builder{})
	expectError(t, err, "parsing: ", "rules/validate/a/a.rego:1")
	expectError(t, load(t, sound()).Docs(full{}), "no space left")
}
