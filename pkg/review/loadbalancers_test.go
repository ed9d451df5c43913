package review

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/policy"
)

// balanced is a gateway named edge in a cluster, with load balancers beside its own.
func balanced(t *testing.T, balancers string) map[string]any {
	t.Helper()
	out := gatewayOf(t, `{clusterIds: [c1], ports: [{port: 80}]}`)
	out["metadata"].(map[string]any)["annotations"] = map[string]any{"portcullis.dev/load-balancers": balancers}
	return out
}

func TestValidateJudgesFurtherLoadBalancers(t *testing.T) {
	const private = `[{name: private}]`
	const here, there = `{clusterIds: [c1]}`, `{clusterIds: [c2]}`
	tests := map[string]struct {
		balancers string
		other     v1beta1.IstioGateway
		// says is what the rule's denial says; empty when there is none.
		says string
	}{
		"that are free":                      {private, neighbour(t, "private", "", here), ""},
		"that are another gateway's Service": {private, neighbour(t, "edge-private", "", here), "makes istio-edge-private, which is the Service of gateway istio-system/edge-private"},
		"that another gateway has too": {`[{name: a-b}]`, neighbour(t, "edge-a", `annotations: {portcullis.dev/load-balancers: "[{name: b}]"}`, here),
			"makes istio-edge-a-b, which is the Service of gateway istio-system/edge-a"},
		"that another gateway has in another cluster": {private, neighbour(t, "edge-private", "", there), ""},
		"that nobody can read":                        {`[{name: private, bogus: 1}]`, neighbour(t, "other", "", here), `unknown field "bogus"`},
		"beside what nobody can read of another":      {private, neighbour(t, "other", `annotations: {portcullis.dev/load-balancers: "{"}`, here), ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r := reviewer(t, cluster("c1"), cluster("c2"))
			r.Gateways = func(context.Context) ([]v1beta1.IstioGateway, error) { return []v1beta1.IstioGateway{test.other}, nil }
			denials := decided(t, r, balanced(t, test.balancers), nil).Denials
			denied := slices.ContainsFunc(denials, func(finding policy.Finding) bool {
				return finding.Code == "load_balancers" && strings.Contains(finding.Message, test.says)
			})
			if denied != (test.says != "") {
				t.Errorf("got %v, want a denial that says %q", denials, test.says)
			}
			if stored := decided(t, r, balanced(t, test.balancers), balanced(t, test.balancers)); len(stored.Denials) > 0 {
				t.Errorf("got %v, want what is stored already to be warned of at most", stored.Denials)
			}
		})
	}
}

func TestValidateRefusesWhenNobodyTellsWhoHasTheNames(t *testing.T) {
	r := reviewer(t, cluster("c1"))
	r.Gateways = func(context.Context) ([]v1beta1.IstioGateway, error) { return nil, errors.New("gone") }
	filled := mutated(t, r, balanced(t, `[{name: private}]`), nil)
	if _, err := r.Validate(t.Context(), request(t, filled, nil)); err == nil || err.Error() != "listing the other gateways: gone" {
		t.Errorf("got %v", err)
	}
}
