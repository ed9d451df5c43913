package policy

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
)

// Apply returns the object with what is absent from it filled in. It changes neither the object nor itself, and
// applying it to its own result changes nothing.
//
// What is written stays, whatever it is. That holds for a value of the wrong type too, where an object or a list
// would have to be: to refuse it is the schema's business, which has better words for it.
func (m Mutation) Apply(object map[string]any) (map[string]any, error) {
	out := cloneObject(object)
	for _, fill := range m.fills {
		if err := fill.apply(out); err != nil {
			return nil, fmt.Errorf("filling %s for mutate/%s: %w", fill.Path, fill.Rule, err)
		}
	}
	for _, ensure := range m.ensures {
		if err := ensure.apply(out); err != nil {
			return nil, fmt.Errorf("extending %s for mutate/%s: %w", ensure.Path, ensure.Rule, err)
		}
	}
	return out, nil
}

// apply sets the field unless it is written.
func (f fill) apply(object map[string]any) error {
	parent, field, err := reach(object, f.Path)
	if err != nil || parent == nil {
		return err
	}
	if written, ok := parent[field]; !ok || f.countsAsAbsent(written) {
		parent[field] = clone(f.Value)
	}
	return nil
}

// countsAsAbsent says whether a written value means nothing.
func (f fill) countsAsAbsent(written any) bool {
	for _, absent := range f.Absent {
		if same(written, absent) {
			return true
		}
	}
	return false
}

// apply adds the item unless the list has it.
func (e ensure) apply(object map[string]any) error {
	parent, field, err := reach(object, e.Path)
	if err != nil || parent == nil {
		return err
	}
	written, ok := parent[field]
	if !ok {
		written = []any{}
	}
	list, isList := written.([]any)
	if !isList {
		return nil
	}
	for _, item := range list {
		if e.isItem(item) {
			return nil
		}
	}
	parent[field] = append(list, clone(e.Item))
	return nil
}

// reach finds the object that a pointer's last step leads into, and that step. Objects that are missing on the way
// are made: what is filled lies in them. nil means that something else than an object is in the way.
func reach(object map[string]any, path string) (parent map[string]any, field string, err error) {
	way := steps(path)
	last := len(way) - 1
	var at any = object
	for _, step := range way[:last] {
		if at, err = enter(at, step); err != nil {
			return nil, "", err
		}
	}
	parent, _ = at.(map[string]any)
	return parent, way[last], nil
}

// enter takes one step into a value. Rules number the items of a list that they see, so an item that is not
// there means that the mutation is of another object.
func enter(at any, step string) (any, error) {
	switch at := at.(type) {
	case map[string]any:
		if _, ok := at[step]; !ok {
			at[step] = map[string]any{}
		}
		return at[step], nil
	case []any:
		i, err := strconv.Atoi(step)
		if err != nil || i < 0 || i >= len(at) {
			return nil, fmt.Errorf("step must be an item of a list of %d, is %q", len(at), step)
		}
		return at[i], nil
	default:
		return nil, nil
	}
}

// steps are the parts of a JSON Pointer, unescaped (RFC 6901).
func steps(path string) []string {
	parts := strings.Split(path[1:], "/")
	for i, part := range parts {
		parts[i] = strings.ReplaceAll(strings.ReplaceAll(part, "~1", "/"), "~0", "~")
	}
	return parts
}

// escaped is a key as a step of a JSON Pointer.
func escaped(key string) string {
	return strings.ReplaceAll(strings.ReplaceAll(key, "~", "~0"), "/", "~1")
}

// same says whether two values are the same JSON, however their numbers are held in memory.
func same(a, b any) bool {
	left, err := ast.InterfaceToValue(a)
	if err != nil {
		return false
	}
	right, err := ast.InterfaceToValue(b)
	return err == nil && left.Compare(right) == 0
}

// clone copies a value of JSON. Numbers that came as text become what Kubernetes holds in unstructured objects:
// int64, and float64 for the rest.
func clone(value any) any {
	switch value := value.(type) {
	case map[string]any:
		return cloneObject(value)
	case []any:
		out := make([]any, len(value))
		for i, item := range value {
			out[i] = clone(item)
		}
		return out
	case json.Number:
		if whole, err := value.Int64(); err == nil {
			return whole
		}
		number, err := value.Float64()
		if err != nil {
			return value
		}
		return number
	default:
		return value
	}
}

// cloneObject copies an object of JSON.
func cloneObject(object map[string]any) map[string]any {
	out := make(map[string]any, len(object))
	for key, value := range object {
		out[key] = clone(value)
	}
	return out
}
