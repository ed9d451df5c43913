package bundle

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/open-policy-agent/opa/v1/logging"
)

func TestOPAsLinesAreSaidByTheirWeight(t *testing.T) {
	var lines []string
	write := func(how string) func(string, ...any) {
		return func(message string, fields ...any) { lines = append(lines, how+" "+message+fmt.Sprint(fields)) }
	}
	first := &atomic.Pointer[string]{}
	var log logging.Logger = logger{say: write("say"), mumble: write("mumble"), first: first}
	named := log.WithFields(map[string]any{"name": "b"})
	log.Debug("%s", "never")
	named.Info("%d bundles", 1)
	log.Warn("careful")
	named.Error("%s failed", "this")
	log.Error("that failed")
	log.SetLevel(logging.Debug)
	want := "mumble 1 bundles[name b]\nsay careful[]\nmumble this failed[name b]\nmumble that failed[]"
	if got := strings.Join(lines, "\n"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got := first.Load(); got == nil || *got != "this failed" {
		t.Errorf("got %v for the first error", got)
	}
	// At debug OPA reads a server's answers without a limit, to log them.
	if got := log.GetLevel(); got != logging.Info {
		t.Errorf("got level %v", got)
	}
}
