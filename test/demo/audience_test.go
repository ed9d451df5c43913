package main

import (
	"errors"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestWrong(t *testing.T) {
	failed := exec.Command("sh", "-c", "exit 1").Run()
	for _, test := range []struct {
		name   string
		step   step
		output string
		err    error
		want   string
	}{
		{name: "believes what shows everything", step: step{shows: []string{"a", "b"}, hides: []string{"c"}}, output: "b a"},
		{name: "misses what must be shown", step: step{shows: []string{"a", "b"}}, output: "a", want: `must show "b", does not`},
		{name: "sees what must be hidden", step: step{hides: []string{"0/1"}}, output: "pod 0/1", want: `must not show "0/1", does`},
		{name: "believes a refusal that was announced", step: step{refused: true, shows: []string{"no"}}, output: "no", err: failed},
		{name: "does not take any failure for the announced refusal", step: step{refused: true, shows: []string{"no"}}, output: "crash", err: failed, want: `must show "no", does not`},
		{name: "notices that what must be refused went in", step: step{refused: true}, want: "must be refused, succeeded"},
		{name: "notices a failure that nobody announced", err: failed, want: "must succeed: exit status 1"},
		{name: "does not take a shell that never ran for a refusal", step: step{refused: true}, err: errors.New("no shell"), want: "no shell"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := ""
			if err := test.step.wrong(test.output, test.err); err != nil {
				got = err.Error()
			}
			if got != test.want {
				t.Errorf("says %q, must say %q", got, test.want)
			}
		})
	}
}

func TestEveryCommandIsChecked(t *testing.T) {
	for _, chapter := range chapters() {
		for _, step := range chapter.steps {
			if len(step.shows) == 0 {
				t.Errorf("%s: %q must say what it shows", chapter.title, step.run)
			}
		}
	}
}

func TestEverySampleIsApplied(t *testing.T) {
	samples, err := filepath.Glob("../../docs/samples/*.yaml")
	if err != nil || len(samples) == 0 {
		t.Fatalf("found samples %v: %v", samples, err)
	}
	var story strings.Builder
	for _, chapter := range chapters() {
		for _, step := range chapter.steps {
			story.WriteString(step.run + "\n")
		}
	}
	for _, sample := range samples {
		if !strings.Contains(story.String(), "kubectl apply -f docs/samples/"+filepath.Base(sample)+"\n") {
			t.Errorf("%s must be applied, is not", sample)
		}
	}
}
