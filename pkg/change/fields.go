package change

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/gateway"
)

// tree is the part of a gateway that decides what runs, as JSON values: the spec, and the annotations that
// count. It is normalized: a default that is written out, or a quantity that is written differently, is no change.
func tree(gw *v1beta1.IstioGateway) (map[string]any, error) {
	if gw == nil {
		return nil, nil
	}
	raw, err := json.Marshal(gateway.Normalize(gw.Spec))
	if err != nil {
		return nil, fmt.Errorf("writing the spec of IstioGateway %s/%s as JSON: %w", gw.Namespace, gw.Name, err)
	}
	spec, err := decode(raw)
	if err != nil {
		return nil, fmt.Errorf("reading the spec of IstioGateway %s/%s: %w", gw.Namespace, gw.Name, err)
	}
	out := map[string]any{"spec": spec}
	annotations := map[string]any{}
	for key, value := range gw.Annotations {
		if gateway.Counts(key) {
			annotations[key] = value
		}
	}
	if len(annotations) > 0 {
		out["metadata"] = map[string]any{"annotations": annotations}
	}
	return out, nil
}

// fields lists what differs between two trees, sorted by path.
func fields(before, after map[string]any) []Field {
	var out []Field
	left, right := any(before), any(after)
	// A gateway that goes is one without anything, not one with an empty something.
	if after == nil {
		right = nil
	}
	diff(nil, left, right, &out)
	slices.SortFunc(out, func(a, b Field) int { return cmp.Compare(a.Path, b.Path) })
	return out
}

// diff goes down two trees together and lists the leaves that differ. A list is a leaf: its order can
// matter, and only rendering knows whether it does.
//
// The leaves say all: set in the first tree they make the second one, and no other tree. An empty object can mean
// something, so one that comes, goes or is left over is a leaf too.
func diff(keys []string, before, after any, out *[]Field) {
	if reflect.DeepEqual(before, after) {
		return
	}
	left, right := branch(before), branch(after)
	emptied := len(right) == 0 && after != nil
	if left == nil || right == nil || emptied || len(left)+len(right) == 0 {
		*out = append(*out, Field{Path: path(keys), Before: before, After: after, Effects: []Effect{}, Clusters: []string{}, keys: keys})
		return
	}
	union := maps.Clone(left)
	maps.Copy(union, right)
	for key := range union {
		diff(append(slices.Clone(keys), key), left[key], right[key], out)
	}
}

// branch is a value as a map: nothing counts as an empty one, so that an object that appears is told leaf
// by leaf.
func branch(value any) map[string]any {
	if value == nil {
		return map[string]any{}
	}
	fields, ok := value.(map[string]any)
	if !ok {
		return nil
	}
	return fields
}

// with is a tree with another value at a path; nil takes away what is there, and the objects around it that are empty
// then. The tree itself stays as it is.
func with(tree map[string]any, keys []string, value any) map[string]any {
	out := make(map[string]any, len(tree)+1)
	maps.Copy(out, tree)
	if len(keys) > 1 {
		child, _ := out[keys[0]].(map[string]any)
		below := with(child, keys[1:], value)
		// Nothing is left of an object whose last field went.
		value = nil
		if len(below) > 0 {
			value = below
		}
	}
	out[keys[0]] = value
	if value == nil {
		delete(out, keys[0])
	}
	return out
}

// at is what lies at a path, nil when nothing does.
func at(tree map[string]any, keys ...string) any {
	var out any = tree
	for _, key := range keys {
		object, _ := out.(map[string]any)
		out = object[key]
	}
	return out
}

// overrideKey is where in a path the cluster's ID is when it leads into overrides.
const overrideKey = 2

// overridden is the cluster into whose overrides a path leads, if it leads into any.
func overridden(keys []string) (string, bool) {
	if len(keys) <= overrideKey || keys[0] != "spec" || keys[1] != "overrides" {
		return "", false
	}
	return keys[overrideKey], true
}

// path writes keys as people write them. A key that is no word stands in brackets, and in quotes if it could be taken
// for another path otherwise: two paths never look the same.
func path(keys []string) string {
	var out strings.Builder
	for i, key := range keys {
		switch {
		case key == "" || strings.ContainsFunc(key, unreadable):
			out.WriteString("[" + strconv.Quote(key) + "]")
		case strings.ContainsAny(key, "./"):
			out.WriteString("[" + key + "]")
		case i > 0:
			out.WriteString("." + key)
		default:
			out.WriteString(key)
		}
	}
	return out.String()
}

// unreadable says whether a letter in a key could mislead who reads a path.
func unreadable(letter rune) bool {
	return strings.ContainsRune("[]\"'` ", letter) || letter > '~' || letter < ' '
}
