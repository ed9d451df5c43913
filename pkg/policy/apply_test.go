package policy_test

import (
	"encoding/json"
	"reflect"
	"testing"

	"portcullis.dev/portcullis/pkg/policy"
)

func TestApplyFills(t *testing.T) {
	zeroIsAbsent := `{"rule": "a", "path": "/spec/port", "value": 80, "absent": [0, ""]}`
	tests := []struct {
		name, fills, before, after string
	}{
		{name: "what is absent", fills: fill("a", "/spec/x", "1"), before: `{"spec": {"y": 2}}`, after: `{"spec": {"x": 1, "y": 2}}`},
		{name: "nothing that is written", fills: fill("a", "/spec/x", "1"), before: `{"spec": {"x": 2}}`, after: `{"spec": {"x": 2}}`},
		{name: "no zero value", fills: fill("a", "/x", "1") + ", " + fill("a", "/y", `"a"`), before: `{"x": 0, "y": ""}`, after: `{"x": 0, "y": ""}`},
		{name: "no null", fills: fill("a", "/x", "1"), before: `{"x": null}`, after: `{"x": null}`},
		{name: "no false", fills: fill("a", "/x", "true"), before: `{"x": false}`, after: `{"x": false}`},
		{name: "the objects on the way", fills: fill("a", "/a/b/c", "1"), before: `{}`, after: `{"a": {"b": {"c": 1}}}`},
		{name: "objects key by key", fills: fill("a", "/a", `{"b": {"c": 1, "d": 2}, "e": [3]}`), before: `{"a": {"b": {"c": 9}}}`, after: `{"a": {"b": {"c": 9, "d": 2}, "e": [3]}}`},
		{name: "empty objects", fills: fill("a", "/a", `{"b": {}}`), before: `{}`, after: `{"a": {"b": {}}}`},
		{name: "items of a list", fills: fill("a", "/l/1/x", "1"), before: `{"l": [{}, {}]}`, after: `{"l": [{}, {"x": 1}]}`},
		{name: "keys that a pointer escapes", fills: fill("a", "/m", `{"a/b": 1, "c~d": 2, "~1": 3}`), before: `{}`, after: `{"m": {"a/b": 1, "c~d": 2, "~1": 3}}`},
		{name: "a zero that counts as absent", fills: zeroIsAbsent, before: `{"spec": {"port": 0}}`, after: `{"spec": {"port": 80}}`},
		{name: "an empty string that counts as absent", fills: zeroIsAbsent, before: `{"spec": {"port": ""}}`, after: `{"spec": {"port": 80}}`},
		{name: "nothing else that is written there", fills: zeroIsAbsent, before: `{"spec": {"port": 8080}}`, after: `{"spec": {"port": 8080}}`},
		{name: "nothing below a scalar", fills: fill("a", "/spec/x/y", "1"), before: `{"spec": {"x": "wrong"}}`, after: `{"spec": {"x": "wrong"}}`},
		{name: "nothing below null", fills: fill("a", "/spec/x/y", "1"), before: `{"spec": {"x": null}}`, after: `{"spec": {"x": null}}`},
		{name: "no field of a list", fills: fill("a", "/spec/0", "1"), before: `{"spec": []}`, after: `{"spec": []}`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			expectApplied(t, test.fills, "", test.before, test.after)
		})
	}
}

func TestApplyEnsures(t *testing.T) {
	byKey := ensure("a", "/spec/l", `["k", "e"]`, `{"k": "a", "e": "b", "v": "c"}`)
	tests := []struct {
		name, ensures, before, after string
	}{
		{name: "an item in a list that is absent", ensures: byKey, before: `{}`, after: `{"spec": {"l": [{"k": "a", "e": "b", "v": "c"}]}}`},
		{name: "an item after the others", ensures: byKey, before: `{"spec": {"l": [{"k": "x"}, 1]}}`, after: `{"spec": {"l": [{"k": "x"}, 1, {"k": "a", "e": "b", "v": "c"}]}}`},
		{name: "nothing where the item is, whatever else it says", ensures: byKey, before: `{"spec": {"l": [{"k": "a", "e": "b", "v": "z"}]}}`, after: `{"spec": {"l": [{"k": "a", "e": "b", "v": "z"}]}}`},
		{name: "an item beside one with half of its key", ensures: byKey, before: `{"spec": {"l": [{"k": "a"}]}}`, after: `{"spec": {"l": [{"k": "a"}, {"k": "a", "e": "b", "v": "c"}]}}`},
		{name: "nothing where no list is", ensures: byKey, before: `{"spec": {"l": "wrong"}}`, after: `{"spec": {"l": "wrong"}}`},
		{name: "nothing where null is", ensures: byKey, before: `{"spec": {"l": null}}`, after: `{"spec": {"l": null}}`},
		{name: "nothing below what is no object", ensures: byKey, before: `{"spec": 1}`, after: `{"spec": 1}`},
		{name: "an item whose key has a field that is absent", ensures: ensure("a", "/l", `["k", "e"]`, `{"k": 1}`), before: `{"l": [{"k": 1}]}`, after: `{"l": [{"k": 1}]}`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			expectApplied(t, "", test.ensures, test.before, test.after)
		})
	}
}

// expectApplied fails unless a mutation makes one object of another, changes nothing when applied again, and
// leaves alone what it was given.
func expectApplied(t *testing.T, fills, ensures, before, after string) {
	t.Helper()
	mutation, err := mutation(t, fills, ensures)
	if err != nil {
		t.Fatal(err)
	}
	given := object(t, before)
	once := apply(t, mutation, given)
	expectJSON(t, once, after)
	expectJSON(t, given, before)
	if twice := apply(t, mutation, once); !reflect.DeepEqual(twice, once) {
		t.Errorf("applied twice it makes %v, want %v", twice, once)
	}
}

// apply applies a mutation that has to be possible.
func apply(t *testing.T, mutation policy.Mutation, to map[string]any) map[string]any {
	t.Helper()
	out, err := mutation.Apply(to)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestApplyToAnotherObject(t *testing.T) {
	tests := []struct{ name, fills, ensures, says string }{
		{name: "with a shorter list", fills: fill("a", "/l/1/x", "1"), says: `filling /l/1/x for mutate/a: step must be an item of a list of 1, is "1"`},
		{name: "with a list for an object", fills: fill("a", "/l/k/x", "1"), says: `filling /l/k/x for mutate/a: step must be an item of a list of 1, is "k"`},
		{name: "with no item before the first", fills: fill("a", "/l/-1/x", "1"), says: `is "-1"`},
		{name: "with a shorter list around a list", ensures: ensure("b", "/l/1/m", `["k"]`, `{"k": 1}`), says: `extending /l/1/m for mutate/b: step must be an item of a list of 1, is "1"`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			mutation, err := mutation(t, test.fills, test.ensures)
			if err != nil {
				t.Fatal(err)
			}
			_, err = mutation.Apply(map[string]any{"l": []any{map[string]any{}}})
			expectError(t, err, test.says)
		})
	}
}

func TestApplySharesNothing(t *testing.T) {
	mutation, err := mutation(t, fill("a", "/spec/list", `[{"x": 1}]`), ensure("a", "/items", `["k"]`, `{"k": {"x": 1}}`))
	if err != nil {
		t.Fatal(err)
	}
	given := object(t, `{"own": {"list": [{"x": 1}]}}`)
	first := apply(t, mutation, given)
	first["own"].(map[string]any)["list"].([]any)[0].(map[string]any)["x"] = "changed"
	first["spec"].(map[string]any)["list"].([]any)[0].(map[string]any)["x"] = "changed"
	first["items"].([]any)[0].(map[string]any)["k"].(map[string]any)["x"] = "changed"
	expectJSON(t, given, `{"own": {"list": [{"x": 1}]}}`)
	expectJSON(t, apply(t, mutation, given), `{"own": {"list": [{"x": 1}]}, "spec": {"list": [{"x": 1}]}, "items": [{"k": {"x": 1}}]}`)
}

func TestApplyWritesNumbersAsKubernetesDoes(t *testing.T) {
	mutation, err := mutation(t, fill("a", "/whole", "80")+", "+fill("a", "/half", "0.5"), "")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"whole": int64(80), "half": 0.5}
	if got := apply(t, mutation, map[string]any{}); !reflect.DeepEqual(got, want) {
		t.Errorf("got %#v, want %#v", got, want)
	}
}

func TestApplyKnowsNumbersHoweverTheyAreHeld(t *testing.T) {
	zeroIsAbsent, err := mutation(t, `{"rule": "a", "path": "/port", "value": 80, "absent": [0]}`, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, zero := range []any{0, int32(0), int64(0), 0.0, json.Number("0")} {
		if got := apply(t, zeroIsAbsent, map[string]any{"port": zero}); got["port"] != int64(80) {
			t.Errorf("%T: got %v, want 80", zero, got["port"])
		}
	}
}

func TestNoMutation(t *testing.T) {
	if got := apply(t, policy.Mutation{}, nil); len(got) != 0 {
		t.Errorf("got %v, want an empty object", got)
	}
}
