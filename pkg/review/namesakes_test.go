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

// calledAs is a gateway of a name, with a spec in YAML.
func calledAs(t *testing.T, name, spec string) map[string]any {
	t.Helper()
	out := gatewayOf(t, spec)
	out["metadata"].(map[string]any)["name"] = name
	return out
}

// knowing makes a reviewer read some gateways, and notes which it asks for.
func knowing(r *Reviewer, stored ...v1beta1.IstioGateway) *[]string {
	asked := &[]string{}
	r.Gateway = func(_ context.Context, namespace, name string) (*v1beta1.IstioGateway, error) {
		*asked = append(*asked, name)
		for i := range stored {
			if stored[i].Namespace == namespace && stored[i].Name == name {
				return &stored[i], nil
			}
		}
		return nil, nil
	}
	return asked
}

// asksFor is the metadata of a gateway with load balancers beside its own.
func asksFor(list string) string {
	return `annotations: {portcullis.dev/load-balancers: "` + list + `"}`
}

// namesakeDenials are what the rule about names says of namesakes.
func namesakeDenials(findings []policy.Finding) []string {
	var out []string
	for _, finding := range findings {
		if finding.Code == "name" && strings.Contains(finding.Message, " has Service ") {
			out = append(out, finding.Message)
		}
	}
	return out
}

func TestValidateKnowsTheNamesakesOfANewGateway(t *testing.T) {
	const both = `{clusterIds: [c1, c2], serviceType: LoadBalancer, ports: [{name: http, port: 80}]}`
	said := func(where, gateway, balancer, name string) []string {
		return []string{"must be another one in " + where + ", where gateway istio-system/" + gateway + " has Service istio-" + name +
			" for its load balancer " + balancer + ", is " + name}
	}
	for name, test := range map[string]struct {
		called string
		other  v1beta1.IstioGateway
		want   []string
	}{
		"in every cluster that both are in":     {"edge-private", neighbour(t, "edge", asksFor("[{name: private}]"), both), said("c1, c2", "edge", "private", "edge-private")},
		"in the one that both are in":           {"edge-private", neighbour(t, "edge", asksFor("[{name: private}]"), strings.Replace(both, ", c2", "", 1)), said("c1", "edge", "private", "edge-private")},
		"with hyphens in the name of the owner": {"edge-a-b", neighbour(t, "edge-a", asksFor("[{name: b}]"), both), said("c1, c2", "edge-a", "b", "edge-a-b")},
		"with hyphens in its own name":          {"edge-a-b", neighbour(t, "edge", asksFor("[{name: a-b}]"), both), said("c1, c2", "edge", "a-b", "edge-a-b")},
		"not of another name":                   {"edge-public", neighbour(t, "edge", asksFor("[{name: private}]"), both), nil},
		"not without a list":                    {"edge-private", neighbour(t, "edge", "", both), nil},
		"not with a list that nobody can read":  {"edge-private", neighbour(t, "edge", asksFor("[{name: private, bogus: 1}]"), both), nil},
		"not in other clusters":                 {"edge-private", neighbour(t, "edge", asksFor("[{name: private}]"), strings.Replace(both, "c1, c2", "c3", 1)), nil},
		"not without a load balancer itself":    {"edge-private", neighbour(t, "edge", asksFor("[{name: private}]"), strings.Replace(both, "LoadBalancer", "ClusterIP", 1)), nil},
		"not where an override takes it away": {"edge-private", neighbour(t, "edge", asksFor("[{name: private}]"), strings.Replace(both, "ports:", "overrides: {c1: {serviceType: NodePort}}, ports:", 1)),
			said("c2", "edge", "private", "edge-private")},
		"not of an egress gateway": {"edge-private", neighbour(t, "edge", asksFor("[{name: private}]"), strings.Replace(both, "ports:", "gatewayType: egress, ports:", 1)), nil},
		"not without ports":        {"edge-private", neighbour(t, "edge", asksFor("[{name: private}]"), `{clusterIds: [c1, c2], serviceType: LoadBalancer}`), nil},
	} {
		t.Run(name, func(t *testing.T) {
			r := reviewer(t, cluster("c1"), cluster("c2"), cluster("c3"))
			knowing(r, test.other)
			asked := calledAs(t, test.called, `{clusterIds: [c1, c2]}`)
			if got := namesakeDenials(decided(t, r, asked, nil).Denials); !slices.Equal(got, test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestValidateWarnsOfANamesakeOfOld(t *testing.T) {
	private := neighbour(t, "edge", asksFor("[{name: private}]"), `{clusterIds: [c1, c2], serviceType: LoadBalancer, ports: [{name: http, port: 80}]}`)
	conflicting := calledAs(t, "edge-private", `{clusterIds: [c1]}`)
	conflicting["status"] = map[string]any{"conditions": []any{map[string]any{
		"type": "Conflict", "status": "True", "reason": "ForeignObjects", "message": "", "lastTransitionTime": "2026-01-01T00:00:00Z",
	}}}
	for name, test := range map[string]struct {
		old            map[string]any
		clusters       string
		denied, warned int
	}{
		"that its conditions tell of":          {conflicting, "c1", 0, 1},
		"that nothing tells of":                {calledAs(t, "edge-private", `{clusterIds: [c1]}`), "c1", 0, 0},
		"and of what is the same elsewhere":    {calledAs(t, "edge-private", `{clusterIds: [c1]}`), "c1, c3", 0, 1},
		"and refuses to meet it in one more":   {calledAs(t, "edge-private", `{clusterIds: [c1]}`), "c1, c2", 1, 0},
		"and refuses to meet it for the first": {calledAs(t, "edge-private", `{clusterIds: [c3]}`), "c1, c3", 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			r := reviewer(t, cluster("c1"), cluster("c2"), cluster("c3"))
			knowing(r, private)
			decision := decided(t, r, calledAs(t, "edge-private", `{clusterIds: [`+test.clusters+`], rollingMaxSurge: "2"}`), test.old)
			denied, warned := namesakeDenials(decision.Denials), namesakeDenials(decision.Warnings)
			if len(denied) != test.denied || len(warned) != test.warned {
				t.Errorf("got %q refused and %q warned of, want %d and %d", denied, warned, test.denied, test.warned)
			}
		})
	}
}

func TestValidateAsksOnlyForGatewaysThatMayBeNamesakes(t *testing.T) {
	here := `{clusterIds: [c1]}`
	for name, test := range map[string]struct {
		called string
		old    map[string]any
		want   []string
	}{
		"of a name without hyphens, none": {"edge", nil, []string{}},
		"of one with two, those before":   {"edge-a-b", nil, []string{"edge", "edge-a"}},
		"of none that no gateway can be":  {"edge--a", nil, []string{}},
		"of an edit, none":                {"edge-a-b", calledAs(t, "edge-a-b", here), []string{}},
	} {
		t.Run(name, func(t *testing.T) {
			r := reviewer(t, cluster("c1"))
			asked := knowing(r)
			decided(t, r, calledAs(t, test.called, `{clusterIds: [c1], rollingMaxSurge: "2"}`), test.old)
			if !slices.Equal(*asked, test.want) {
				t.Errorf("got %q, want %q", *asked, test.want)
			}
		})
	}
}

func TestValidateRefusesWhenNobodyTellsOfNamesakes(t *testing.T) {
	r := reviewer(t, cluster("c1"))
	r.Gateway = func(context.Context, string, string) (*v1beta1.IstioGateway, error) { return nil, errors.New("gone") }
	filled := mutated(t, r, calledAs(t, "edge-a", `{clusterIds: [c1]}`), nil)
	if _, err := r.Validate(t.Context(), request(t, filled, nil)); err == nil || err.Error() != "reading IstioGateway istio-system/edge: gone" {
		t.Errorf("got %v", err)
	}
}
