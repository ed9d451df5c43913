package author_test

import (
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"portcullis.dev/portcullis/pkg/policy"
	"portcullis.dev/portcullis/pkg/policy/author"
	"portcullis.dev/portcullis/policies"
)

const (
	// metadata is what every rule has above its package.
	metadata = `# METADATA
# title: A rule
# description: Why it is.
# related_resources:
#   - ref: https://example.com/a
#     description: What is read there
`
	// rule refuses gateways without a label, by two lines.
	rule = metadata + `package validate.a

import data.lib.result

deny contains finding if {
	not input.gateway.metadata.labels.a
	finding := result.finding(rego.metadata.chain(), {
		"field": "metadata.labels.a",
		"message": "must be set, is absent",
	})
}
`
	// test covers the rule.
	test = `package validate.a_test

import data.validate.a

test_refuses_the_empty_object if count(a.deny) == 1 with input as {}

test_accepts_the_label if count(a.deny) == 0 with input as {"gateway": {"metadata": {"labels": {"a": "b"}}}}
`
)

// sound is a rule that has nothing to wish for.
func sound() map[string]string {
	return map[string]string{"validate/a/a.rego": rule, "validate/a/a_test.rego": test}
}

// but is files with some changed; an empty one is taken away.
func but(files map[string]string, changes ...string) map[string]string {
	out := maps.Clone(files)
	for i := 0; i < len(changes); i += 2 {
		if out[changes[i]] = changes[i+1]; changes[i+1] == "" {
			delete(out, changes[i])
		}
	}
	return out
}

// in is files in a file system.
func in(files map[string]string) fs.FS {
	out := fstest.MapFS{}
	for name, text := range files {
		out[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return out
}

// source is files that stand on the library of the project.
func source(files map[string]string, within ...string) author.Source {
	return author.Source{Rules: in(files), Name: "rules", Within: within, Library: policies.FS, Capabilities: policy.Capabilities()}
}

// load reads files that stand on the library of the project.
func load(t *testing.T, files map[string]string, within ...string) *author.Set {
	t.Helper()
	set, err := author.Load(source(files, within...))
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// tested runs the tests of some files.
func tested(t *testing.T, files map[string]string, within ...string) author.TestReport {
	t.Helper()
	report, err := load(t, files, within...).Test(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// expectLines fails unless some values are, line by line, as they are wanted.
func expectLines[T any](t *testing.T, got []T, want ...string) {
	t.Helper()
	var lines []string
	for _, one := range got {
		lines = append(lines, fmt.Sprint(one))
	}
	if !slices.Equal(lines, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(lines, "\n"), strings.Join(want, "\n"))
	}
}

// expectError fails unless an error says all of some things.
func expectError(t *testing.T, err error, says ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want one that says %q", says)
	}
	for _, part := range says {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q does not say %q", err, part)
		}
	}
}
