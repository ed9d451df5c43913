package review

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/api/v1alpha1"
	"portcullis.dev/portcullis/pkg/policy"
)

// neighbour is another gateway that is stored.
func neighbour(t *testing.T, name, metadata, spec string) v1beta1.IstioGateway {
	t.Helper()
	return *object(t, fromYAML(t, "{metadata: {name: "+name+", namespace: istio-system, "+metadata+"}, spec: "+spec+"}")).Typed
}

func TestValidateMeetsTheNeighboursOnTheNodesNetwork(t *testing.T) {
	const onHost = `{clusterIds: [c1], hostNetwork: true}`
	tests := map[string]struct {
		spec  string
		other v1beta1.IstioGateway
		met   bool
	}{
		"one that is there too":            {onHost, neighbour(t, "other", "", onHost), true},
		"not one off the nodes' network":   {onHost, neighbour(t, "other", "", `{clusterIds: [c1]}`), false},
		"not one in another cluster":       {onHost, neighbour(t, "other", "", `{clusterIds: [c2], hostNetwork: true}`), false},
		"not itself":                       {onHost, neighbour(t, "edge", "", onHost), false},
		"not one whose pods others count":  {onHost, neighbour(t, "other", `annotations: {asm.alibabacloud.com/replicas-managed-by-asm: "false"}`, onHost), false},
		"not when it is off them itself":   {`{clusterIds: [c1]}`, neighbour(t, "other", "", onHost), false},
		"one that has as many by override": {`{clusterIds: [c1, c2], hostNetwork: true, overrides: {c1: {replicaCount: 1}}}`, neighbour(t, "other", "", onHost), true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r := reviewer(t, cluster("c1", facts(v1alpha1.ClusterFacts{Nodes: new(int32(1))})), cluster("c2"))
			r.Gateways = func(context.Context) ([]v1beta1.IstioGateway, error) { return []v1beta1.IstioGateway{test.other}, nil }
			decision := decided(t, r, gatewayOf(t, test.spec), nil)
			met := slices.ContainsFunc(decision.Denials, func(finding policy.Finding) bool {
				return finding.Code == "host_network" && strings.Contains(finding.Message, "a pod of istio-system/other on their network")
			})
			if met != test.met {
				t.Errorf("got %v, want the neighbour met: %v", decision.Denials, test.met)
			}
			stored := decided(t, r, gatewayOf(t, test.spec), gatewayOf(t, test.spec))
			if len(stored.Denials) > 0 {
				t.Errorf("got %v, want what is stored already to be warned of at most", stored.Denials)
			}
		})
	}
}

func TestValidateAsksForNeighboursOnceAndOnlyWhereTheyMatter(t *testing.T) {
	for spec, want := range map[string]int{`{clusterIds: [c1]}`: 0, `{clusterIds: [c1], hostNetwork: true}`: 1} {
		asked := 0
		r := reviewer(t, cluster("c1"))
		r.Gateways = func(context.Context) ([]v1beta1.IstioGateway, error) { asked++; return nil, nil }
		decided(t, r, gatewayOf(t, spec), gatewayOf(t, `{clusterIds: [c1]}`))
		if asked != want {
			t.Errorf("%s: asked %d times, want %d", spec, asked, want)
		}
	}
}

func TestValidateRefusesWhenNobodyTellsOfNeighbours(t *testing.T) {
	r := reviewer(t, cluster("c1"))
	r.Gateways = func(context.Context) ([]v1beta1.IstioGateway, error) { return nil, errors.New("gone") }
	filled := mutated(t, r, gatewayOf(t, `{clusterIds: [c1], hostNetwork: true}`), nil)
	if _, err := r.Validate(t.Context(), request(t, filled, nil)); err == nil || err.Error() != "listing the other gateways: gone" {
		t.Errorf("got %v", err)
	}
}
