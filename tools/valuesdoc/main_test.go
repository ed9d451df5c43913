package main

import (
	"strings"
	"testing"
)

func TestTheTableSaysWhatStandsBesideEachValue(t *testing.T) {
	entries, err := parse(`# full: all of it.
# Or | less.
mode: full

image:
  # Where from.
  registry: example.com
webhook:
  # What is told to the rules.
  config:
    # By code.
    parameters: {}
  # Requests and limits.
  resources:
    requests: {cpu: 1}
    limits: {memory: 2Mi}
`)
	if err != nil {
		t.Fatal(err)
	}
	const want = "| value | for | default |\n| --- | --- | --- |\n" +
		"| `mode` | full: all of it. Or \\| less. | `full` |\n" +
		"| `image.registry` | Where from. | `example.com` |\n" +
		"| `webhook.config` | What is told to the rules. |  |\n" +
		"| `webhook.config.parameters` | By code. | `{}` |\n" +
		"| `webhook.resources` | Requests and limits. | `{requests: {cpu: 1}, limits: {memory: 2Mi}}` |\n"
	if got := table(entries); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestAValueOfWhichNothingIsSaidIsRefused(t *testing.T) {
	for text, says := range map[string]string{
		"mode: full\n":                    "line 1: mode must have a comment that says what it is for, has none",
		"# About image.\n\nimage: {}\n":   "line 3: image must have a comment",
		"a:\n  # Said.\n  b: 1\n  c: 2\n": "line 4: a.c must have a comment",
		"# A list over lines.\na:\n- b\n": `line 3: must be a comment or a key with its value, is "- b"`,
	} {
		if _, err := parse(text); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: got %v, want %s", text, err, says)
		}
	}
}

func TestOnlyWhatStandsBetweenTheLinesIsReplaced(t *testing.T) {
	got, err := replace([]byte("a\n"+begin+"old\n"+end+"b\n"), "new\n")
	if err != nil || string(got) != "a\n"+begin+"new\n"+end+"b\n" {
		t.Errorf("got %q and %v", got, err)
	}
	for _, page := range []string{"a\n", begin, end + begin} {
		if _, err := replace([]byte(page), "new\n"); err == nil {
			t.Errorf("%q: a page without a place for the table is taken", page)
		}
	}
}
