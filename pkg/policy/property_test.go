package policy_test

import (
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"portcullis.dev/portcullis/pkg/policy"
	"portcullis.dev/portcullis/policies"
)

// keys are few, so that what is made at random meets itself.
var keys = []string{"a", "b", "a/b", "~", "0"}

// anything makes a value of JSON, at most so many levels deep.
func anything(random *rand.Rand, depth int) any {
	switch kind := random.IntN(8); {
	case kind < 3 && depth > 0:
		object := map[string]any{}
		for range random.IntN(4) {
			object[keys[random.IntN(len(keys))]] = anything(random, depth-1)
		}
		return object
	case kind == 3 && depth > 0:
		list := []any{}
		for range random.IntN(3) {
			list = append(list, anything(random, depth-1))
		}
		return list
	case kind == 4:
		return nil
	case kind == 5:
		return random.IntN(2) == 0
	case kind == 6:
		return float64(random.IntN(3))
	default:
		return keys[random.IntN(len(keys))]
	}
}

// anyObject makes an object of JSON.
func anyObject(random *rand.Rand, depth int) map[string]any {
	for {
		if object, ok := anything(random, depth).(map[string]any); ok {
			return object
		}
	}
}

// text is a value as JSON.
func text(t testing.TB, value any) string {
	t.Helper()
	out, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// TestApplyNeverOverwrites fills anything into anything: what was written is still there, and a second time changes
// nothing. What no rule may want, or not of this object, is left out.
func TestApplyNeverOverwrites(t *testing.T) {
	applied := 0
	for seed := range uint64(150) {
		random := rand.New(rand.NewPCG(seed, 1))
		wanted, written := anyObject(random, 3), anyObject(random, 4)
		mutation, err := mutation(t, fill("a", "/a", text(t, wanted)), ensure("a", "/a/b", `["k"]`, `{"k": 1}`))
		if err != nil {
			continue
		}
		before := text(t, written)
		once, err := mutation.Apply(written)
		if err != nil {
			continue
		}
		applied++
		expectJSON(t, written, before)
		expectInside(t, written, once)
		if twice := apply(t, mutation, once); !reflect.DeepEqual(twice, once) {
			t.Errorf("seed %d: applied twice it makes %v, want %v", seed, twice, once)
		}
	}
	if applied < 75 {
		t.Errorf("%d of 150 mutations were applied, want at least half", applied)
	}
}

// expectInside fails unless all of one value is in another: objects may have more keys, lists more items at
// the end.
func expectInside(t *testing.T, part, whole any) {
	t.Helper()
	switch part := part.(type) {
	case map[string]any:
		object, _ := whole.(map[string]any)
		for key, value := range part {
			expectInside(t, value, object[key])
		}
	case []any:
		list, _ := whole.([]any)
		if len(list) < len(part) {
			t.Errorf("%v became %v", part, whole)
			return
		}
		for i, value := range part {
			expectInside(t, value, list[i])
		}
	default:
		if !reflect.DeepEqual(part, whole) {
			t.Errorf("%v became %v", part, whole)
		}
	}
}

// TestNothingElseIsLetIn asks about gateways of the wrong namespace with anything at all beside it: whatever a
// gateway is, the answer is a refusal or an error, and never a yes.
func TestNothingElseIsLetIn(t *testing.T) {
	engine := newEngine(t, policies.FS)
	specs := []string{"clusterIds", "overrides", "ports", "kernel", "cpu", "maxReplicas", "resources", "affinity", "tolerations", "compression"}
	for seed := range uint64(150) {
		random := rand.New(rand.NewPCG(seed, 2))
		spec := map[string]any{}
		for range random.IntN(5) {
			spec[specs[random.IntN(len(specs))]] = anything(random, 3)
		}
		gateway := map[string]any{"metadata": map[string]any{"namespace": "default"}, "spec": spec}
		verdict, err := engine.Validate(t.Context(), creating(gateway))
		if err == nil && len(of("namespace", verdict.Denials)) != 1 {
			t.Errorf("seed %d: %s is let in: %v", seed, text(t, gateway), verdict)
		}
		expectNoPanic(t, err)
		_, err = engine.Mutate(t.Context(), creating(gateway))
		expectNoPanic(t, err)
	}
}

// expectNoPanic fails when an evaluation panicked: it may err on what no schema would let through, in order.
func expectNoPanic(t *testing.T, err error) {
	t.Helper()
	if err != nil && strings.Contains(err.Error(), "panic") {
		t.Error(err)
	}
}

// TestOrderDoesNotMatter asks the same question of engines that read the rules in whatever order maps have.
func TestOrderDoesNotMatter(t *testing.T) {
	in := known(t, `{"clusterIds": ["c9", "c1", "c9"], "ports": [{"port": 80}, {"port": 80}], "overrides": {"c7": {"hostNetwork": true}}}`)
	var first policy.Verdict
	for i := range 5 {
		verdict, err := newEngine(t, policies.FS).Validate(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			first = verdict
		}
		if !reflect.DeepEqual(verdict, first) {
			t.Errorf("got %v, want %v", verdict, first)
		}
	}
}
