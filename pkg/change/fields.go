package change

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/gateway"
)

// asmAnnotations is how the annotations begin that change what runs.
const asmAnnotations = "asm.alibabacloud.com/"

// fields lists what differs between two versions of a gateway: the spec, and the annotations that change
// what runs. Both are normalized first: a default that is written out, or a quantity that is written
// differently, is no change.
func fields(old, new *v1beta1.IstioGateway) ([]Field, error) {
	before, err := tree(old)
	if err != nil {
		return nil, err
	}
	after, err := tree(new)
	if err != nil {
		return nil, err
	}
	var out []Field
	diff(nil, before, after, &out)
	slices.SortFunc(out, func(a, b Field) int { return cmp.Compare(a.Path, b.Path) })
	return out, nil
}

// tree is the part of a gateway that decides what runs, as JSON values.
func tree(gw *v1beta1.IstioGateway) (map[string]any, error) {
	if gw == nil {
		return map[string]any{}, nil
	}
	raw, err := json.Marshal(gateway.Normalize(gw.Spec))
	if err != nil {
		return nil, fmt.Errorf("writing the spec of IstioGateway %s/%s as JSON: %w", gw.Namespace, gw.Name, err)
	}
	spec, err := decode(raw)
	if err != nil {
		return nil, fmt.Errorf("reading the spec of IstioGateway %s/%s: %w", gw.Namespace, gw.Name, err)
	}
	annotations := map[string]any{}
	for key, value := range gw.Annotations {
		if strings.HasPrefix(key, asmAnnotations) {
			annotations[key] = value
		}
	}
	return map[string]any{"spec": spec, "metadata": map[string]any{"annotations": annotations}}, nil
}

// diff goes down two trees together and lists the leaves that differ. A list is a leaf: its order can
// matter, and only rendering knows whether it does.
func diff(keys []string, before, after any, out *[]Field) {
	if reflect.DeepEqual(before, after) {
		return
	}
	left, right := branch(before), branch(after)
	// An empty object that appears has no leaves, and can mean something all the same.
	if left == nil || right == nil || len(left)+len(right) == 0 {
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

// path writes keys as people write them. A key with a dot or a slash stands in brackets.
func path(keys []string) string {
	var out strings.Builder
	for i, key := range keys {
		switch {
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

// apply is the old version with some of the changed fields as they are after the change, and no others.
func apply(old *v1beta1.IstioGateway, changed []Field, set map[int]bool) (*v1beta1.IstioGateway, error) {
	partial, err := tree(old)
	if err != nil {
		return nil, err
	}
	for i := range set {
		put(partial, changed[i].keys, changed[i].After)
	}
	out := old.DeepCopy()
	out.Spec = v1beta1.IstioGatewaySpec{}
	raw, err := json.Marshal(partial["spec"])
	if err != nil {
		return nil, fmt.Errorf("writing a partly changed spec as JSON: %w", err)
	}
	if err := json.Unmarshal(raw, &out.Spec); err != nil {
		return nil, fmt.Errorf("reading a partly changed spec: %w", err)
	}
	metadata, _ := partial["metadata"].(map[string]any)
	annotations, _ := metadata["annotations"].(map[string]any)
	out.Annotations = make(map[string]string, len(annotations))
	for key, value := range annotations {
		out.Annotations[key], _ = value.(string)
	}
	return out, nil
}

// put sets what lies at a path; nil takes it away.
func put(tree map[string]any, keys []string, value any) {
	for _, key := range keys[:len(keys)-1] {
		next, ok := tree[key].(map[string]any)
		if !ok {
			next = map[string]any{}
			tree[key] = next
		}
		tree = next
	}
	last := keys[len(keys)-1]
	if value == nil {
		delete(tree, last)
		return
	}
	tree[last] = value
}
