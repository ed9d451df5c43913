package policy_test

import (
	"encoding/json"
	"io/fs"
	"testing"

	"portcullis.dev/portcullis/pkg/policy"
)

// newEngine compiles rules.
func newEngine(tb testing.TB, rules fs.FS) *policy.Engine {
	tb.Helper()
	engine, err := policy.New(tb.Context(), rules, policy.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	return engine
}

// object is an object of JSON, as an API server sends it.
func object(tb testing.TB, text string) map[string]any {
	tb.Helper()
	var out map[string]any
	if err := json.Unmarshal([]byte(text), &out); err != nil {
		tb.Fatal(err)
	}
	return out
}
