package change

import (
	"reflect"
	"slices"
	"testing"
)

// changedBetween lists the paths that differ between two gateways.
func changedBetween(t *testing.T, old, new string) []string {
	t.Helper()
	got, err := Between(gatewayOf(t, old), gatewayOf(t, new), clustersOf(nil))
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, field := range got.Changes {
		out = append(out, field.Path)
	}
	return out
}

func TestChangedFieldsAreNamedLeafByLeaf(t *testing.T) {
	tests := map[string]struct {
		old, new string
		want     []string
	}{
		"a field comes":                        {`{}`, `{spec: {runAsRoot: true}}`, []string{"spec.runAsRoot"}},
		"an object comes":                      {`{}`, `{spec: {readinessProbe: {periodSeconds: 1, failureThreshold: 2}}}`, []string{"spec.readinessProbe.failureThreshold", "spec.readinessProbe.periodSeconds"}},
		"an object goes":                       {`{spec: {readinessProbe: {periodSeconds: 1}}}`, `{}`, []string{"spec.readinessProbe.periodSeconds"}},
		"an empty object comes":                {`{}`, `{spec: {affinity: {}}}`, []string{"spec.affinity"}},
		"an empty object goes":                 {`{spec: {affinity: {}}}`, `{}`, []string{"spec.affinity"}},
		"an object is emptied":                 {`{spec: {affinity: {podAffinity: {}}}}`, `{spec: {affinity: {}}}`, []string{"spec.affinity"}},
		"an object goes with what is in it":    {`{spec: {affinity: {podAffinity: {}}}}`, `{}`, []string{"spec.affinity.podAffinity"}},
		"a key with a slash changes":           {`{spec: {podLabels: {a/b: c}}}`, `{spec: {podLabels: {a/b: d}}}`, []string{"spec.podLabels[a/b]"}},
		"a list is turned around":              {`{spec: {clusterIds: [c1, c2]}}`, `{spec: {clusterIds: [c2, c1]}}`, []string{"spec.clusterIds"}},
		"a default changes with another field": {`{}`, `{spec: {hostNetwork: true}}`, []string{"spec.dnsPolicy", "spec.hostNetwork"}},
		"a null stands where nothing stood": {`{spec: {affinity: {nodeAffinity: {}}}}`, `{spec: {affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: null}}}}}`,
			[]string{"spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got := changedBetween(t, test.old, test.new); !slices.Equal(got, test.want) {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}

// An approval names paths: if two of them looked the same, one would be approved for the other.
func TestNoTwoPathsLookTheSame(t *testing.T) {
	seen := map[string][]string{}
	parts := []string{"a", "b", "a.b", "a/b", "a]", "[a", "a][b", "a.b][a", `"a"`, `["a"]`, "", ".", "]", "a b", "ä", "a\nb"}
	var visit func(keys []string)
	visit = func(keys []string) {
		if len(keys) > 0 {
			text := path(keys)
			if other, ok := seen[text]; ok {
				t.Errorf("%q and %q both look like %s", keys, other, text)
			}
			seen[text] = keys
		}
		if len(keys) == 3 {
			return
		}
		for _, part := range parts {
			visit(append(slices.Clone(keys), part))
		}
	}
	visit(nil)
}

func TestPathsReadAsPeopleWriteThem(t *testing.T) {
	for want, keys := range map[string][]string{
		"spec.resources.limits.memory":                   {"spec", "resources", "limits", "memory"},
		"spec.kernel.parameters[net.core.somaxconn]":     {"spec", "kernel", "parameters", "net.core.somaxconn"},
		"metadata.annotations[asm.alibabacloud.com/a]":   {"metadata", "annotations", "asm.alibabacloud.com/a"},
		"spec.overrides.c8a4b2e19d04.podAnnotations.a-b": {"spec", "overrides", "c8a4b2e19d04", "podAnnotations", "a-b"},
		`spec.podLabels["a]"]`:                           {"spec", "podLabels", "a]"},
		`spec.podLabels["a\x1bb"]`:                       {"spec", "podLabels", "a\x1bb"},
	} {
		if got := path(keys); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestWithSetsOneValueAndLeavesTheTree(t *testing.T) {
	tree := map[string]any{"a": map[string]any{"b": "1", "c": map[string]any{"d": "2"}}}
	tests := map[string]struct {
		keys  []string
		value any
		want  map[string]any
	}{
		"a value changes":           {[]string{"a", "b"}, "3", map[string]any{"a": map[string]any{"b": "3", "c": map[string]any{"d": "2"}}}},
		"a value comes":             {[]string{"x", "y"}, "3", map[string]any{"a": map[string]any{"b": "1", "c": map[string]any{"d": "2"}}, "x": map[string]any{"y": "3"}}},
		"the last value goes":       {[]string{"a", "c", "d"}, nil, map[string]any{"a": map[string]any{"b": "1"}}},
		"an empty object comes":     {[]string{"a", "c"}, map[string]any{}, map[string]any{"a": map[string]any{"b": "1", "c": map[string]any{}}}},
		"what is not there may go":  {[]string{"x", "y"}, nil, map[string]any{"a": map[string]any{"b": "1", "c": map[string]any{"d": "2"}}}},
		"an object becomes a value": {[]string{"a"}, "3", map[string]any{"a": "3"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got := with(tree, test.keys, test.value); !reflect.DeepEqual(got, test.want) {
				t.Errorf("got %v, want %v", got, test.want)
			}
			if want := (map[string]any{"a": map[string]any{"b": "1", "c": map[string]any{"d": "2"}}}); !reflect.DeepEqual(tree, want) {
				t.Errorf("the tree became %v", tree)
			}
		})
	}
}
