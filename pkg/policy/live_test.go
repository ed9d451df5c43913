package policy_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"portcullis.dev/portcullis/pkg/policy"
	"portcullis.dev/portcullis/policies"
)

// saying is a set whose rules all say the same word: a built-in rule by a parameter, an own rule by its source and by a
// parameter of its own, and what is filled in. An answer of two words is of two sets.
func saying(tb testing.TB, word string) *policy.Engine {
	tb.Helper()
	own := module(`deny contains {"field": "own", "message": "` + word + `", "fix": data.parameters.team_label.word} if input.gateway`)
	own.Parameters = map[string]any{
		"team_label": map[string]any{"word": word},
		"namespace":  map[string]any{"allowed": []any{word}},
		"defaults":   map[string]any{"all": map[string]any{"podLabels": map[string]any{"word": word}}},
	}
	engine, err := policy.New(tb.Context(), policies.FS, policy.Options{Deadline: time.Minute, Policies: []policy.Policy{own}, Library: word})
	if err != nil {
		tb.Fatal(err)
	}
	return engine
}

// answered is all that a set says of a gateway.
func answered(tb testing.TB, engine *policy.Engine) (string, error) {
	tb.Helper()
	in := labelled(tb, `{}`)
	mutation, err := engine.Mutate(tb.Context(), in)
	if err != nil {
		return "", err
	}
	filled, err := mutation.Apply(in.Gateway.(map[string]any))
	if err != nil {
		return "", err
	}
	in.Gateway = filled
	verdict, err := engine.Validate(tb.Context(), in)
	if err != nil {
		return "", err
	}
	return fmt.Sprint(engine.Revision(), filled["spec"].(map[string]any)["podLabels"], verdict), nil
}

// TestSwapIsAtomic reviews 10,000 gateways while the rules are swapped 100 times: each answer is wholly that of one set.
func TestSwapIsAtomic(t *testing.T) {
	const reviews, reloads, workers = 10000, 100, 8
	sets := []*policy.Engine{saying(t, "red"), saying(t, "blue")}
	answers := map[string]*atomic.Int64{}
	for _, set := range sets {
		answer, err := answered(t, set)
		if err != nil {
			t.Fatal(err)
		}
		answers[answer] = &atomic.Int64{}
	}
	if len(answers) != 2 {
		t.Fatal("the sets cannot be told apart")
	}
	var live policy.Live
	live.Swap(sets[0])
	var asked atomic.Int64
	var group sync.WaitGroup
	for range workers {
		group.Go(func() {
			for asked.Add(1) <= reviews {
				answer, err := answered(t, live.Engine())
				if err != nil || answers[answer] == nil {
					t.Errorf("got %q and %v, want the answer of one set", answer, err)
					return
				}
				answers[answer].Add(1)
			}
		})
	}
	// Each swap waits for its share of the reviews, so that they meet all along.
	for swap := range reloads {
		for asked.Load() < int64((swap+1)*reviews/(reloads+1)) && !t.Failed() {
			// This goroutine asks too, rather than spin.
			if _, err := answered(t, sets[swap%2]); err != nil {
				t.Error(err)
			}
		}
		live.Swap(sets[(swap+1)%2])
	}
	group.Wait()
	for answer, count := range answers {
		if count.Load() < reviews/10 {
			t.Errorf("%d of %d answers are %q, want both sets to be met", count.Load(), reviews, answer)
		}
	}
}

func TestLiveHoldsNothingAtFirst(t *testing.T) {
	var live policy.Live
	if live.Engine() != nil {
		t.Error("there is an engine that nobody swapped in")
	}
}
