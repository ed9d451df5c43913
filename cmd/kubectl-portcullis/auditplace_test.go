package main

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

func TestLinesInFindsWhereGatewaysAreWritten(t *testing.T) {
	item := `{"apiVersion": "istio.alibabacloud.com/v1beta1", "kind": "IstioGateway",`
	tests := map[string]struct {
		text string
		want map[string][]int
	}{
		"nothing":              {"", nil},
		"what is no YAML":      {"a: [", nil},
		"another kind":         {"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: edge}\n", nil},
		"one":                  {edgeWith("{}"), map[string][]int{"edge": {1}}},
		"behind a comment":     {"\n# one\n" + edgeWith("{}"), map[string][]int{"edge": {3}}},
		"behind a separator":   {"---\n" + edgeWith("{}"), map[string][]int{"edge": {2}}},
		"twice the same name":  {edgeWith("{}") + "---\n" + edgeWith("{}"), map[string][]int{"edge": {1, 6}}},
		"lines of two letters": {strings.ReplaceAll(edgeWith("{}")+"---\n"+edgeWith("{}"), "\n", "\r\n"), map[string][]int{"edge": {1, 6}}},
		"a list in JSON": {
			"{\"kind\": \"List\", \"items\": [\n" + item + "\n\"metadata\": {\"name\": \"edge-2\"}},\n" + item + "\n\"metadata\": {\"name\": \"edge\"}}]}\n",
			map[string][]int{"edge-2": {3}, "edge": {5}},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got := linesIn(file(t, test.text)); !maps.EqualFunc(got, test.want, slices.Equal[[]int]) {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
	if got := linesIn("https://example.com/gateways.yaml"); len(got) != 0 {
		t.Errorf("got %v of what is no file", got)
	}
}
