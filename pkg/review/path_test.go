package review

import "testing"

func TestSameAtComparesWhatLiesAtAFieldPath(t *testing.T) {
	object := map[string]any{
		"spec": map[string]any{
			"ports":     []any{map[string]any{"port": 80.0}, map[string]any{"port": 443.0}},
			"overrides": map[string]any{"c1": map[string]any{"replicaCount": 2.0}, "c1.west": map[string]any{"replicaCount": 3.0}},
			"kernel":    map[string]any{"parameters": map[string]any{"net.core.somaxconn": "1"}},
		},
		"metadata": map[string]any{"annotations": map[string]any{"asm.alibabacloud.com/export-metrics": "c1"}},
	}
	other := map[string]any{
		"spec": map[string]any{
			"ports":     []any{map[string]any{"port": 80.0}},
			"overrides": map[string]any{"c1": map[string]any{"replicaCount": 2.0}, "c1.west": map[string]any{"replicaCount": 4.0}},
			"kernel":    map[string]any{"parameters": map[string]any{"net.core.somaxconn": "2"}},
		},
		"metadata": map[string]any{},
	}
	tests := map[string]struct {
		path string
		same bool
	}{
		"an equal list item":                       {"spec.ports[0].port", true},
		"a list item that one lacks":               {"spec.ports[1].port", false},
		"an equal override":                        {"spec.overrides.c1.replicaCount", true},
		"an override of a cluster with a dot":      {"spec.overrides.c1.west.replicaCount", false},
		"a kernel parameter":                       {"spec.kernel.parameters.net.core.somaxconn", false},
		"a kernel parameter that neither has":      {"spec.kernel.parameters.vm.swappiness", true},
		"an annotation that one lacks":             {"metadata.annotations.asm.alibabacloud.com/export-metrics", false},
		"a path that leads nowhere in both":        {"spec.nothing.at.all", true},
		"a path through what is no object in both": {"spec.ports[0].port.deeper", true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got := sameAt(test.path, object, test.path, other); got != test.same {
				t.Errorf("%s: got same %v, want %v", test.path, got, test.same)
			}
		})
	}
}

func TestSameAtComparesItemsThatHaveMoved(t *testing.T) {
	before := map[string]any{"spec": map[string]any{"clusterIds": []any{"nowhere"}}}
	after := map[string]any{"spec": map[string]any{"clusterIds": []any{"c1", "nowhere"}}}
	if !sameAt("spec.clusterIds[0]", before, "spec.clusterIds[1]", after) {
		t.Error("the same item counts as another one because something was put before it")
	}
	if sameAt("spec.clusterIds[0]", before, "spec.clusterIds[0]", after) {
		t.Error("another item counts as the same one because it has its place")
	}
}
