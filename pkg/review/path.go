package review

import (
	"reflect"
	"regexp"
	"strconv"
	"strings"
)

// index is a list index at the end of one part of a field path: ports[2].
var index = regexp.MustCompile(`\[(\d+)\]`)

// sameAt says whether one object holds at a field path, as findings write it (spec.ports[0].targetPort), what
// another holds at another. Paths that lead nowhere hold the same nothing.
//
// Cluster IDs and annotation keys may hold dots, so at each step the longest key that fits is taken.
func sameAt(path string, object map[string]any, otherPath string, other map[string]any) bool {
	return reflect.DeepEqual(
		at(index.ReplaceAllString(path, ".$1"), object),
		at(index.ReplaceAllString(otherPath, ".$1"), other),
	)
}

// unindexed is a field path without the places in lists, which change when something is put before them.
func unindexed(path string) string {
	return index.ReplaceAllString(path, "[]")
}

// at is what lies at a dotted path, nil when nothing does.
func at(path string, value any) any {
	if path == "" {
		return value
	}
	switch value := value.(type) {
	case map[string]any:
		key := longestKey(path, value)
		return at(strings.TrimPrefix(strings.TrimPrefix(path, key), "."), value[key])
	case []any:
		head, rest, _ := strings.Cut(path, ".")
		i, err := strconv.Atoi(head)
		if err != nil || i >= len(value) {
			return nil
		}
		return at(rest, value[i])
	default:
		return nil
	}
}

// longestKey is the longest key of a map that a path starts with; without one it is the whole path, which
// no map holds.
func longestKey(path string, value map[string]any) string {
	longest := ""
	for key := range value {
		if len(key) > len(longest) && (path == key || strings.HasPrefix(path, key+".")) {
			longest = key
		}
	}
	if longest == "" {
		return path
	}
	return longest
}
