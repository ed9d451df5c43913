package change

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
)

// Template says what differs between the pod template that runs in a cluster and the one that would: what restarts the
// pods there, whatever the reason for the difference.
func Template(before, after corev1.PodTemplateSpec, clusterID string) ([]Field, error) {
	left, right, err := trees(before, after)
	if err != nil {
		return nil, fmt.Errorf("comparing pod templates: %w", err)
	}
	var out []Field
	diff([]string{"template"}, byName(left), byName(right), &out)
	for i := range out {
		out[i].Effects, out[i].Clusters = []Effect{Restart}, []string{clusterID}
	}
	slices.SortFunc(out, func(a, b Field) int { return cmp.Compare(a.Path, b.Path) })
	return out, nil
}

// byName is a tree in which each list of named objects, containers for example, is a map by name: one that changed is
// then told field by field, and not as the whole list.
func byName(value any) any {
	switch value := value.(type) {
	case map[string]any:
		for key := range value {
			value[key] = byName(value[key])
		}
		return value
	case []any:
		named := map[string]any{}
		for _, item := range value {
			fields, _ := item.(map[string]any)
			name, _ := fields["name"].(string)
			if name == "" || named[name] != nil {
				return value
			}
			named[name] = byName(item)
		}
		return named
	}
	return value
}

// trees are two values as JSON values.
func trees(before, after any) (left, right map[string]any, err error) {
	if left, err = treeOf(before); err != nil {
		return nil, nil, err
	}
	right, err = treeOf(after)
	return left, right, err
}

// treeOf is a value as JSON values.
func treeOf(value any) (map[string]any, error) {
	raw, err := json.Marshal(value)
	if err != nil {
		return nil, fmt.Errorf("writing %T as JSON: %w", value, err)
	}
	out := map[string]any{}
	if err := json.Unmarshal(raw, &out); err != nil {
		return nil, fmt.Errorf("reading %T from JSON: %w", value, err)
	}
	return out, nil
}

// fromTree reads a value from JSON values.
func fromTree(tree map[string]any, out any) error {
	raw, err := json.Marshal(tree)
	if err != nil {
		return fmt.Errorf("writing %T as JSON: %w", out, err)
	}
	if err := json.Unmarshal(raw, out); err != nil {
		return fmt.Errorf("reading %T from JSON: %w", out, err)
	}
	return nil
}
