package review

import (
	"maps"
	"os"
	"slices"
	"testing"

	"sigs.k8s.io/yaml"

	"portcullis.dev/portcullis/pkg/api/v1alpha1"
)

// toYAML writes an object.
func toYAML(t *testing.T, object map[string]any) string {
	t.Helper()
	text, err := yaml.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// sins is policies/testdata/sins.yaml.
type sins struct {
	Clusters map[string]struct {
		Mesh    string
		Managed bool
		Facts   v1alpha1.ClusterFacts
	}
	Sins map[string]struct {
		Sin                          string
		Metadata, Spec, Old, Request map[string]any
		Change, Policies             any
		Approvals                    []any
		Beside                       map[string]any
	}
}

// readSins reads the gateways with one sin each.
func readSins(t *testing.T) sins {
	t.Helper()
	text, err := os.ReadFile("../../policies/testdata/sins.yaml")
	if err != nil {
		t.Fatal(err)
	}
	out := sins{}
	if err := yaml.UnmarshalStrict(text, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// known are the clusters that gateways with sins may name, which are those of most tests.
func known(t *testing.T) []v1alpha1.GatewayCluster {
	t.Helper()
	in := readSins(t).Clusters
	var out []v1alpha1.GatewayCluster
	for _, name := range slices.Sorted(maps.Keys(in)) {
		change := []func(*v1alpha1.GatewayCluster){mesh(in[name].Mesh), facts(in[name].Facts)}
		if in[name].Managed {
			change = append(change, managed)
		}
		out = append(out, cluster(name, change...))
	}
	return out
}

// refusal is a gateway, and the rule and the field for which it is refused.
type refusal struct {
	gateway map[string]any
	want    string
}

// refusedGateways are one gateway or more for each reason to refuse.
func refusedGateways(t *testing.T) map[string]refusal {
	t.Helper()
	out := map[string]refusal{}
	for name, sin := range readSins(t).Sins {
		if sin.Old != nil || sin.Beside != nil {
			continue // What no gateway alone is.
		}
		gateway := gatewayOf(t, "{}")
		maps.Copy(gateway["metadata"].(map[string]any), sin.Metadata)
		gateway["spec"] = sin.Spec
		out[name] = refusal{gateway, sin.Sin}
	}
	return out
}

func TestValidateRefusesTheGatewaysOfTheTable(t *testing.T) {
	for name, refused := range refusedGateways(t) {
		t.Run(name, func(t *testing.T) {
			decision := decided(t, reviewer(t, known(t)...), refused.gateway, nil)
			if got := fieldsOf(decision.Denials); !slices.Contains(got, refused.want) {
				t.Errorf("got %v, want among them %s", got, refused.want)
			}
		})
	}
}

func TestValidateRefusesAManagedGatewayOnAMeshThatIsTooOld(t *testing.T) {
	gateway := fromYAML(t, "{metadata: {name: edge, namespace: istio-system, annotations: {asm.alibabacloud.com/managed-by-asm: 'true'}}, spec: {}}")
	for version, want := range map[string][]string{
		"1.18.0.146": {"managed_placement: metadata.annotations.asm.alibabacloud.com/managed-by-asm"},
		"1.18.0.147": {},
	} {
		t.Run(version, func(t *testing.T) {
			decision := decided(t, reviewer(t, cluster("ours", managed, mesh(version))), gateway, nil)
			if got := fieldsOf(decision.Denials); !slices.Equal(got, want) {
				t.Errorf("got %v, want %v", got, want)
			}
		})
	}
}
