package change

import (
	"cmp"
	"maps"
	"slices"
)

// Differing lists the fields in which two versions of one object differ, with their values, sorted by their paths. What the
// API server writes about an object, and its status, are no part of it.
func Differing(before, after map[string]any) []Field {
	var out []Field
	diff(nil, stated(before), stated(after), &out)
	slices.SortFunc(out, func(a, b Field) int { return cmp.Compare(a.Path, b.Path) })
	return out
}

// stated is what people state of an object, as a tree in which lists of named objects are maps.
func stated(object map[string]any) any {
	out := maps.Clone(object)
	delete(out, "status")
	if metadata, ok := out["metadata"].(map[string]any); ok {
		metadata = maps.Clone(metadata)
		for _, key := range []string{"managedFields", "resourceVersion", "generation", "creationTimestamp", "uid"} {
			delete(metadata, key)
		}
		out["metadata"] = metadata
	}
	return named(out)
}

// named is a tree in which each list of named objects is a map by name. The tree that comes in is not changed.
func named(value any) any {
	switch value := value.(type) {
	case map[string]any:
		out := map[string]any{}
		for key, item := range value {
			out[key] = named(item)
		}
		return out
	case []any:
		return byName(value)
	}
	return value
}
