package policy

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Mutation is what all mutating rules together fill into an object: single fields, and items of lists. It is worked
// out once and may be applied to any number of objects. The zero value changes nothing.
type Mutation struct {
	fills   []fill
	ensures []ensure
}

// fill is the value that an absent field gets.
type fill struct {
	// Rule that says so.
	Rule string
	// Path of the field, a JSON Pointer.
	Path string
	// Value that it gets. An object is filled in key by key: what is there stays, at any depth.
	Value any
	// Absent are values that count as absent although they are written.
	Absent []any
}

// ensure is an item that a list is to have.
type ensure struct {
	// Rule that says so.
	Rule string
	// Path of the list, a JSON Pointer.
	Path string
	// Key names the fields that tell items apart: an item with the same ones is there already.
	Key []string
	// Item that the list gets.
	Item map[string]any
}

// readMutation reads and merges the answer of the mutating rules.
func readMutation(answer any) (Mutation, error) {
	var raw struct {
		Fill   *[]fill
		Ensure *[]ensure
	}
	if err := decode(answer, &raw); err != nil {
		return Mutation{}, err
	}
	if raw.Fill == nil || raw.Ensure == nil {
		return Mutation{}, fmt.Errorf("answer must have fill and ensure, is %s", inWords(answer))
	}
	fills, err := mergeFills(*raw.Fill)
	if err != nil {
		return Mutation{}, err
	}
	ensures, err := mergeEnsures(*raw.Ensure)
	if err != nil {
		return Mutation{}, err
	}
	return Mutation{fills: fills, ensures: ensures}, nil
}

// mergeFills takes fills apart into single fields, sorts them by path, and makes one of those that agree. Rules
// that do not agree are both wrong: which one won would be chance.
func mergeFills(fills []fill) ([]fill, error) {
	var leaves []fill
	for _, fill := range fills {
		// null would be a value too, and a path that is no pointer leads nowhere.
		if fill.Value == nil || !strings.HasPrefix(fill.Path, "/") {
			return nil, fmt.Errorf("fill of mutate/%s must have a JSON Pointer and a value, is %s: %s",
				fill.Rule, fill.Path, inWords(fill.Value))
		}
		leaves = fill.appendLeaves(leaves)
	}
	slices.SortFunc(leaves, func(a, b fill) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Rule, b.Rule))
	})
	at := map[string]fill{}
	for _, leaf := range leaves {
		if other, ok := contradicted(at, leaf); ok {
			return nil, contradictf("rules mutate/%s and mutate/%s must agree on %s, want %s and %s",
				other.Rule, leaf.Rule, other.Path, inWords(other.Value), inWords(leaf.Value))
		}
		at[leaf.Path] = leaf
	}
	return leaves, nil
}

// contradicted looks for an earlier fill that cannot hold together with one: another value of the same field, or
// a scalar where there would have to be an object around it.
func contradicted(at map[string]fill, leaf fill) (fill, bool) {
	if other, ok := at[leaf.Path]; ok && !same(other.Value, leaf.Value) {
		return other, true
	}
	for around := parent(leaf.Path); around != ""; around = parent(around) {
		if other, ok := at[around]; ok && !same(other.Value, map[string]any{}) {
			return other, true
		}
	}
	return fill{}, false
}

// parent is the pointer without its last step.
func parent(path string) string {
	return path[:strings.LastIndex(path, "/")]
}

// appendLeaves takes a fill apart into one for each field that is no object, or an empty one.
func (f fill) appendLeaves(leaves []fill) []fill {
	object, ok := f.Value.(map[string]any)
	if !ok || len(object) == 0 {
		return append(leaves, f)
	}
	for key, value := range object {
		inner := fill{Rule: f.Rule, Path: f.Path + "/" + escaped(key), Value: value, Absent: f.Absent}
		leaves = inner.appendLeaves(leaves)
	}
	return leaves
}

// mergeEnsures sorts items by list and makes one of those that are the same.
func mergeEnsures(ensures []ensure) ([]ensure, error) {
	slices.SortFunc(ensures, func(a, b ensure) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Rule, b.Rule), cmp.Compare(inWords(a.Item), inWords(b.Item)))
	})
	var merged []ensure
	for _, ensure := range ensures {
		// Without a key every item would be the one that is wanted.
		if len(ensure.Key) == 0 || len(ensure.Item) == 0 || !strings.HasPrefix(ensure.Path, "/") {
			return nil, fmt.Errorf("ensure of mutate/%s must have a JSON Pointer, a key and an item, is %s",
				ensure.Rule, inWords(ensure))
		}
		i := slices.IndexFunc(merged, ensure.isKeyed)
		if i < 0 {
			merged = append(merged, ensure)
			continue
		}
		if !same(merged[i].Item, ensure.Item) {
			return nil, contradictf("rules mutate/%s and mutate/%s must want the same item in %s, want %s and %s",
				merged[i].Rule, ensure.Rule, ensure.Path, inWords(merged[i].Item), inWords(ensure.Item))
		}
	}
	return merged, nil
}

// isKeyed says whether another ensure is about the same item of the same list.
func (e ensure) isKeyed(other ensure) bool {
	return e.Path == other.Path && e.isItem(other.Item)
}

// isItem says whether an item of a list is the one that is wanted.
func (e ensure) isItem(item any) bool {
	fields, ok := item.(map[string]any)
	return ok && !slices.ContainsFunc(e.Key, func(key string) bool {
		return !same(fields[key], e.Item[key])
	})
}
