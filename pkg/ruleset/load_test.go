package ruleset

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"portcullis.dev/portcullis/pkg/api/v1alpha1"
)

// TestReloadIsAtomic reviews 10,000 gateways and more while a policy of two modules is changed 100 times: no review meets the
// one module of a version and the other of the next, and none is left without rules.
func TestReloadIsAtomic(t *testing.T) {
	const reviews, reloads, workers = 10000, 100, 8
	s := newStage(t, gatewayPolicy("a", ""))
	version := func(number int) func(*v1alpha1.GatewayPolicySpec) {
		word := fmt.Sprint("version ", number)
		return func(spec *v1alpha1.GatewayPolicySpec) {
			spec.Modules = map[string]string{
				"a.rego": own("a", word),
				"b.rego": `# METADATA
# scope: package
# title: Second
# description: Refuses.
package own.a.validate.second

deny contains {"code": "second", "field": "g", "message": "` + word + `", "fix": ""}
`,
			}
		}
	}
	answerOf := func(number int) string { return fmt.Sprintf("version %[1]d, no, version %[1]d", number) }
	s.change("a", version(0))
	s.reconciled(s.Ruleset)

	known := map[string]bool{}
	for number := range reloads + 1 {
		known[answerOf(number)] = true
	}
	var asked atomic.Int64
	var reloaded atomic.Bool
	var met sync.Map
	var group sync.WaitGroup
	for range workers {
		group.Go(func() {
			for (asked.Add(1) <= reviews || !reloaded.Load()) && !t.Failed() {
				answer := said(t, s.Ruleset)
				if met.Store(answer, nil); !known[answer] {
					t.Errorf("got %q, want the answer of one version", answer)
				}
			}
		})
	}
	for number := 1; number <= reloads; number++ {
		s.change("a", version(number))
		s.reconciled(s.Ruleset)
	}
	reloaded.Store(true)
	group.Wait()
	if got := said(t, s.Ruleset); got != answerOf(reloads) {
		t.Errorf("got %q in the end, want %q", got, answerOf(reloads))
	}
	versions := 0
	met.Range(func(any, any) bool { versions++; return true })
	if versions < reloads/2 {
		t.Errorf("reviews met %d versions, want most of %d", versions, reloads)
	}
	if got := s.counted(resultSwapped); got != reloads+1 {
		t.Errorf("%v reloads were swapped in, want %d", got, reloads+1)
	}
}
