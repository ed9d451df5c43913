package main

import (
	"reflect"
	"strings"
	"testing"
)

const overriding = `{clusterIds: [c1, c2], serviceAnnotations: {a: b, c: d}, resources: {limits: {cpu: 2}, requests: {cpu: 1}},
  overrides: {c2: {replicaCount: 3, serviceAnnotations: {a: "", e: f}, resources: {limits: {cpu: 4}}}}}`

func TestReviewShowsWhatHoldsWhereSomethingIsOverridden(t *testing.T) {
	got := reviewed(t, "-f", file(t, edgeWith(overriding)), "--with", file(t, clusters("c1", "c2")))
	want := `  Overridden in c2: replicaCount: 3, resources: {"limits":{"cpu":"4"}}, serviceAnnotations: {"c":"d","e":"f"}` + "\n"
	if !strings.HasSuffix(got.out, want) || strings.Contains(got.out, "Overridden in c1") {
		t.Errorf("got\n%s\nwant the end\n%s", got.out, want)
	}
}

func TestReviewTellsProgramsWhatHoldsWhereSomethingIsOverridden(t *testing.T) {
	got := reviewed(t, "-f", file(t, edgeWith(overriding)), "--with", file(t, clusters("c1", "c2")), "-o", "json")
	want := map[string]any{"c2": map[string]any{
		"replicaCount":       float64(3),
		"resources":          map[string]any{"limits": map[string]any{"cpu": "4"}},
		"serviceAnnotations": map[string]any{"c": "d", "e": "f"},
	}}
	if decision := decoded[map[string]any](t, got); !reflect.DeepEqual(decision["effective"], want) {
		t.Errorf("got %v, want %v", decision["effective"], want)
	}
}
