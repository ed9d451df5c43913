package review

import (
	"testing"
)

// pinning is a gateway whose status pins c1 to a mesh of a version.
func pinning(t *testing.T, version string) map[string]any {
	t.Helper()
	out := gatewayOf(t, `{clusterIds: [c1]}`)
	out["status"] = map[string]any{"clusters": []any{map[string]any{
		"clusterId": "c1", "state": "Ready", "mesh": map[string]any{"version": version},
	}}}
	return out
}

func TestRulesLearnThePinnedMeshOfWhatIsStoredAndNoOther(t *testing.T) {
	tests := map[string]struct {
		gateway, old map[string]any
		want         string
	}{
		"an update is judged under the stored pins":            {gatewayOf(t, `{clusterIds: [c1]}`), pinning(t, "1.15.3"), "1.15.3"},
		"what an update writes into its status does not count": {pinning(t, "9.9"), pinning(t, "1.15.3"), "1.15.3"},
		"an update pins nothing that is not pinned":            {pinning(t, "9.9"), gatewayOf(t, `{clusterIds: [c1]}`), "1.26.0.1"},
		"a creation pins nothing":                              {pinning(t, "9.9"), nil, "1.26.0.1"},
		"a deletion is judged under the stored pins":           {nil, pinning(t, "1.15.3"), "1.15.3"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			input := inputOf(t, request(t, test.gateway, test.old), known(t)...)
			if got := input.Clusters["c1"].Mesh.Version; got != test.want {
				t.Errorf("got mesh %s, want %s", got, test.want)
			}
		})
	}
}
