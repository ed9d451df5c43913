package review

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime"

	"portcullis.dev/portcullis/pkg/gateway"
)

// variants are copies of an object, each with one field or item, at any depth, done to by edit. They are named
// by what was done to.
func variants(object map[string]any, edit func(parent map[string]any, key string)) map[string]map[string]any {
	out := map[string]map[string]any{}
	for _, way := range ways(nil, object) {
		copied := runtime.DeepCopyJSON(object)
		var at any = copied
		for _, step := range way[:len(way)-1] {
			at = stepInto(at, step)
		}
		if parent, ok := at.(map[string]any); ok {
			edit(parent, fmt.Sprint(way[len(way)-1]))
			out[fmt.Sprint(way)] = copied
		}
	}
	return out
}

// ways are the ways to every field at any depth: keys and numbers of items.
func ways(to []any, value any) [][]any {
	var out [][]any
	switch value := value.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(value)) {
			way := append(slices.Clone(to), key)
			out = append(append(out, way), ways(way, value[key])...)
		}
	case []any:
		for i, item := range value {
			out = append(out, ways(append(slices.Clone(to), i), item)...)
		}
	}
	return out
}

// stepInto takes one step of a way.
func stepInto(value, step any) any {
	if i, ok := step.(int); ok {
		return value.([]any)[i]
	}
	return value.(map[string]any)[step.(string)]
}

// dropped are copies of an object with one field less each.
func dropped(object map[string]any) map[string]map[string]any {
	return variants(object, func(parent map[string]any, key string) { delete(parent, key) })
}

// emptied are copies of an object with {} or [] where there was an object or a list with something in it.
func emptied(object map[string]any) map[string]map[string]any {
	return variants(object, func(parent map[string]any, key string) {
		switch parent[key].(type) {
		case map[string]any:
			parent[key] = map[string]any{}
		case []any:
			parent[key] = []any{}
		}
	})
}

// nulled are copies of an object with null where there was something.
func nulled(object map[string]any) map[string]map[string]any {
	return variants(object, func(parent map[string]any, key string) { parent[key] = nil })
}

// allGateways are the samples and a refused gateway for each field that rules refuse.
func allGateways(t *testing.T) map[string]map[string]any {
	t.Helper()
	out, refused := samples(t), refusedGateways(t)
	of := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(refused)) {
		if sin := refused[name].want; !of[sin] {
			of[sin], out[name] = true, refused[name].gateway
		}
	}
	return out
}

func TestVariantsReachEveryDepthAndLeaveTheOriginal(t *testing.T) {
	object := fromYAML(t, `{spec: {ports: [{port: 80, name: a}], kernel: {parameters: {a.b: "1"}}}}`)
	before := toYAML(t, object)
	got := slices.Sorted(maps.Keys(dropped(object)))
	want := []string{"[spec kernel parameters a.b]", "[spec kernel parameters]", "[spec kernel]", "[spec ports 0 name]", "[spec ports 0 port]", "[spec ports]", "[spec]"}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if toYAML(t, object) != before {
		t.Error("the original is changed")
	}
}

// A refusal tells people what to do, an error tells them nothing. Whatever they drop, they get a decision.
func TestDroppingAFieldNeverTurnsARefusalIntoAnError(t *testing.T) {
	for name, original := range allGateways(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := reviewer(t, append(known(t), sampleClusters(t)...)...)
			for way, variant := range dropped(original) {
				// decided fails the test on an error.
				if decision := decided(t, r, variant, original); decision.Revision == "" {
					t.Errorf("without %s: no decision", way)
				}
				decided(t, r, original, variant)
			}
			for way, variant := range emptied(original) {
				if decision := decided(t, r, variant, nil); decision.Revision == "" {
					t.Errorf("with nothing in %s: no decision", way)
				}
			}
		})
	}
}

// Clients that serialise structs write null, and an API server asks for mutation before its schema refuses that
// with a sentence of its own. An error would be all that people see.
func TestMutationLeavesNullToTheSchema(t *testing.T) {
	for name, original := range allGateways(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := reviewer(t, append(known(t), sampleClusters(t)...)...)
			for way, variant := range nulled(original) {
				if _, err := r.Mutate(t.Context(), request(t, variant, nil)); err != nil {
					t.Errorf("null at %s: %v", way, err)
				}
			}
		})
	}
}

func TestMutationIsIdempotent(t *testing.T) {
	for name, original := range allGateways(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := reviewer(t, append(known(t), sampleClusters(t)...)...)
			tried := dropped(original)
			tried["nothing"] = original
			for way, variant := range tried {
				once := mutated(t, r, variant, nil)
				if twice := mutated(t, r, once, nil); !same(t, twice, once) {
					t.Errorf("without %s: got %v the second time, %v the first", way, twice, once)
				}
			}
		})
	}
}

// A decision can be repeated: nothing of it hangs on the order in which Go walks through a map.
func TestTheSameRequestGetsTheSameDecision(t *testing.T) {
	for name, refused := range refusedGateways(t) {
		t.Run(name, func(t *testing.T) {
			r := reviewer(t, known(t)...)
			first := decided(t, r, refused.gateway, nil)
			for range 5 {
				if again := decided(t, r, refused.gateway, nil); !same(t, again, first) {
					t.Fatalf("got %+v, then %+v", first, again)
				}
			}
		})
	}
}

// The defaults are written twice: as Rego, so that the author of a gateway sees them, and as Go, for gateways
// that never passed admission. Whoever changes one must change the other.
func TestRegoAndGoFillInTheSame(t *testing.T) {
	gateways := samples(t)
	for name, spec := range map[string]string{
		"nothing":                   `{clusterIds: [c1]}`,
		"ports without anything":    `{clusterIds: [c1], ports: [{port: 80}, {port: 443}]}`,
		"ports of zero values":      `{clusterIds: [c1], ports: [{port: 80, targetPort: 0, name: ""}, {port: 443, targetPort: "", protocol: HTTPS}]}`,
		"one number, two protocols": `{clusterIds: [c1], ports: [{port: 53, protocol: UDP}, {port: 53, protocol: TCP}]}`,
		"one name twice":            `{clusterIds: [c1], ports: [{port: 80, name: a}, {port: 81, name: a}]}`,
		"a name that would be made": `{clusterIds: [c1], ports: [{port: 80}, {port: 81, name: tcp-80}]}`,
		"a name that is made twice": `{clusterIds: [c1], ports: [{port: 80}, {port: 80}, {port: 81, name: tcp-80-2}]}`,
		"a named target":            `{clusterIds: [c1], ports: [{port: 80, targetPort: http}]}`,
		"egress":                    `{clusterIds: [c1], gatewayType: egress, ports: [{port: 80}]}`,
		"a ClusterIP":               `{clusterIds: [c1], serviceType: ClusterIP, ports: [{port: 80}]}`,
		"a node's network":          `{clusterIds: [c1], hostNetwork: true}`,
		"empty resources":           `{clusterIds: [c1], resources: {}}`,
		"empty lists of resources":  `{clusterIds: [c1], resources: {limits: {}, requests: {}}}`,
		"half of the resources":     `{clusterIds: [c1], resources: {limits: {cpu: 1}}}`,
		"an empty kernel":           `{clusterIds: [c1], kernel: {}}`,
		"parameters of the kernel":  `{clusterIds: [c1], kernel: {parameters: {net.ipv4.tcp_rmem: "1"}}}`,
		"an empty compression":      `{clusterIds: [c1], compression: {}}`,
		"an empty gzip":             `{clusterIds: [c1], compression: {enabled: true, gzip: {}}}`,
		"an override of the type":   `{clusterIds: [c1, c2], serviceType: ClusterIP, overrides: {c1: {serviceType: LoadBalancer}}}`,
		"an override to ClusterIP":  `{clusterIds: [c1, c2], overrides: {c1: {serviceType: ClusterIP, resources: {}, cpu: {}}}}`,
		"no surge":                  `{clusterIds: [c1], rollingMaxSurge: "0"}`,
	} {
		gateways[name] = gatewayOf(t, spec)
	}
	for name, original := range gateways {
		t.Run(name, func(t *testing.T) {
			plain := cluster("c1")
			r := reviewer(t, plain, cluster("c2"), cluster("c8a4b2xxxxxx"), cluster("c9f3e7xxxxxx"))
			if strings.HasPrefix(name, "managed") {
				t.Skip("a managed gateway gets a toleration, which is no default")
			}
			tried := dropped(original)
			tried["nothing"] = original
			for way, variant := range tried {
				if way == "[spec tolerations]" || strings.HasPrefix(way, "[spec tolerations 0") {
					continue // Virtual nodes get a toleration, which is no default.
				}
				filled := object(t, mutated(t, r, variant, nil)).Typed
				before := gateway.Place(object(t, variant).Typed, &plain).Spec
				after := gateway.Place(filled, &plain).Spec
				if !same(t, before, after) {
					t.Errorf("without %s: Go makes %v of it, and %v after Rego", way, asJSON(t, before), asJSON(t, after))
				}
			}
		})
	}
}
