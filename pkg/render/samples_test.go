package render

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
)

// samples are the gateways of ASM's pages, and the lines of each that change nothing when they are taken
// away, with the reason.
var samples = map[string]map[string]string{
	"ingress-in-its-first-cluster": {
		"cpu.targetAverageUtilization": "makes no autoscaler without maxReplicas",
		"gatewayType":                  "is the default",
		"ports[0].targetPort":          "is the default: the port's own number",
		"ports[1].targetPort":          "is the default: the port's own number",
		"ports[2].targetPort":          "is the default: 0 is none",
		"ports[3].targetPort":          "is the default: the port's own number",
		"replicaCount":                 "is the default, and overridden",
		"resources.limits.cpu":         "is overridden",
		"resources.limits.memory":      "is overridden",
		"resources.requests.cpu":       "is overridden",
		"resources.requests.memory":    "is overridden",
		"rollingMaxSurge":              "is the default",
		"rollingMaxUnavailable":        "is the default",
		"serviceType":                  "is the default",
		"serviceAnnotations.service.beta.kubernetes.io/alicloud-loadbalancer-address-type":                        "is overridden by the same",
		"overrides.c8a4b2e19d04.replicaCount":                                                                     "is the default",
		"overrides.c8a4b2e19d04.serviceAnnotations.service.beta.kubernetes.io/alicloud-loadbalancer-address-type": "is the same as the spec's",
	},
	"egress": {
		"autoCreateGatewayYaml":       "is the default",
		"disableContainerPortExposed": "is the default",
		"dnsPolicy":                   "is the default",
		"gatewayType":                 "shows in nothing but the external traffic policy, which ClusterIP has not",
		"hostNetwork":                 "is the default",
		"ports[0].targetPort":         "is the default: the port's own number",
		"ports[1].targetPort":         "is the default: the port's own number",
		"replicaCount":                "is the default",
		"rollingMaxUnavailable":       "is the default",
	},
	"managed": {
		"gatewayType":           "is the default",
		"dnsPolicy":             "is the default",
		"hostNetwork":           "is the default",
		"ports[0].protocol":     "is the default",
		"ports[0].targetPort":   "is the default: the port's own number",
		"ports[1].protocol":     "is the default",
		"ports[1].targetPort":   "is the default: the port's own number",
		"replicaCount":          "is the default",
		"rollingMaxSurge":       "is the default",
		"rollingMaxUnavailable": "is the default",
		"serviceType":           "is the default",
	},
	"virtual-nodes": {},
	"volumes":       {},
}

func TestSamplesAreRenderedWithoutLoss(t *testing.T) {
	for name, silent := range samples {
		in := readInput(t, "testdata/"+name+".in.yaml")
		want := all(t, rendered(t, in))
		spec := treeOf(t, in.gateway.Spec)
		lines := linesOf(spec, "")
		for _, line := range lines {
			if elsewhere(line, in.cluster.Name) {
				continue
			}
			t.Run(name+" without "+line, func(t *testing.T) {
				without := *in
				without.gateway.Spec = v1beta1.IstioGatewaySpec{}
				if err := json.Unmarshal([]byte(asJSON(t, drop(spec, line, ""))), &without.gateway.Spec); err != nil {
					t.Fatal(err)
				}
				objects, err := Render(without.place())
				changed := err != nil || all(t, objects) != want
				if _, ok := silent[line]; changed == ok {
					t.Errorf("taking it away changes something: %t; listed as changing nothing: %t", changed, ok)
				}
			})
		}
		for line := range silent {
			if !slices.Contains(lines, line) {
				t.Errorf("%s has no line %s", name, line)
			}
		}
	}
}

// elsewhere says whether a line speaks of where a gateway is, or of another cluster.
func elsewhere(line, cluster string) bool {
	return strings.HasPrefix(line, "clusterIds") ||
		strings.HasPrefix(line, "overrides.") && !strings.HasPrefix(line, "overrides."+cluster+".")
}

// treeOf is a value as JSON knows it.
func treeOf(t *testing.T, value any) any {
	t.Helper()
	return at(t, value)
}

// linesOf lists the paths of everything in a tree that has no more below it.
func linesOf(tree any, path string) []string {
	var out []string
	switch tree := tree.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(tree)) {
			out = append(out, linesOf(tree[key], join(path, key))...)
		}
	case []any:
		for i := range tree {
			out = append(out, linesOf(tree[i], fmt.Sprintf("%s[%d]", path, i))...)
		}
	default:
		out = append(out, path)
	}
	return out
}

// drop copies a tree without one of its lines.
func drop(tree any, line, path string) any {
	switch tree := tree.(type) {
	case map[string]any:
		out := map[string]any{}
		for key, value := range tree {
			if below := join(path, key); below != line {
				out[key] = drop(value, line, below)
			}
		}
		return out
	case []any:
		out := []any{}
		for i, value := range tree {
			if below := fmt.Sprintf("%s[%d]", path, i); below != line {
				out = append(out, drop(value, line, below))
			}
		}
		return out
	default:
		return tree
	}
}
