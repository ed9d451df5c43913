package main

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// The keys are what pipelines build on, so they are spelt out here and not taken from the types.
var (
	resultKeys  = []string{"allowed", "changes", "denials", "digest", "effects", "gateway", "warnings"}
	findingKeys = []string{"code", "field", "fix", "message"}
)

// keysOf are the keys of an object, sorted.
func keysOf(object any) []string {
	fields, _ := object.(map[string]any)
	return slices.Sorted(maps.Keys(fields))
}

func TestReviewPrintsTheWholeDecisionAsJSON(t *testing.T) {
	got := reviewed(t,
		"-f", file(t, edgeWith(`{clusterIds: [c1], ports: [{port: 80}], serviceType: NodePort, cpu: {targetAverageUtilization: 80}, kernel: {parameters: {}}}`)),
		"--old", file(t, edgeWith(`{clusterIds: [c1], ports: [{port: 80}]}`)),
		"--with", file(t, clusters("c1")), "-o", "json")
	if got.status != 1 || got.errOut != "" {
		t.Fatalf("got exit status %d, want 1: a lost address needs an approval; %s", got.status, got.errOut)
	}
	decision := decoded[map[string]any](t, got)
	if keys := keysOf(decision); !slices.Equal(keys, resultKeys) {
		t.Errorf("got keys %v, want %v", keys, resultKeys)
	}
	digest, _ := decision["digest"].(string)
	if hex, found := strings.CutPrefix(digest, "sha256:"); !found || len(hex) != 64 {
		t.Errorf("got digest %q, want sha256: and 64 digits", digest)
	}
	want := map[string]any{
		"allowed": false,
		"denials": []any{map[string]any{
			"code":    "address_approval",
			"field":   "spec.serviceType",
			"message": `must be approved by somebody other than its author, as "LoadBalancer" -> "NodePort" releases the load balancer's address in c1, is not; digest ` + digest,
			"fix":     "somebody else runs kubectl portcullis approve -n istio-system -f FILE --reason WHY; then do this again",
		}},
		"warnings": []any{map[string]any{
			"code":    "autoscaling",
			"field":   "spec.maxReplicas",
			"message": "must be set for an autoscaler to be made, is absent",
			"fix":     "set maxReplicas, or remove the target",
		}},
		"effects": map[string]any{"AddressLoss": []any{"c1"}, "Restart": []any{}},
	}
	for key, value := range want {
		if !reflect.DeepEqual(decision[key], value) {
			t.Errorf("%s: got %v, want %v", key, decision[key], value)
		}
	}
	changes, _ := decision["changes"].([]any)
	lost := map[string]any{
		"path": "spec.serviceType", "before": "LoadBalancer", "after": "NodePort",
		"effects": []any{"AddressLoss"}, "clusters": []any{"c1"},
	}
	if !slices.ContainsFunc(changes, func(change any) bool { return reflect.DeepEqual(change, lost) }) {
		t.Errorf("got changes %v, want among them %v", changes, lost)
	}
}

func TestReviewPrintsTheGatewayAsItWouldBeStored(t *testing.T) {
	written := edgeWith(`{clusterIds: [c1], replicaCount: 3, ports: [{port: 443, targetPort: 0, protocol: HTTPS}]}`)
	decision := decoded[result](t, reviewed(t, "-f", file(t, written), "--with", file(t, clusters("c1")), "-o", "json"))
	want := map[string]any{
		"apiVersion": "istio.alibabacloud.com/v1beta1",
		"kind":       "IstioGateway",
		"metadata":   map[string]any{"name": "edge", "namespace": "istio-system"},
		"spec": map[string]any{
			"clusterIds": []any{"c1"}, "gatewayType": "ingress", "replicaCount": 3.0,
			"serviceType": "LoadBalancer", "externalTrafficPolicy": "Cluster",
			"rollingMaxSurge": "100%", "rollingMaxUnavailable": "25%",
			"dnsPolicy": "ClusterFirst", "hostNetwork": false, "kernel": map[string]any{"enabled": false},
			"resources": map[string]any{
				"requests": map[string]any{"cpu": "200m", "memory": "256Mi"},
				"limits":   map[string]any{"cpu": "2", "memory": "2G"},
			},
			"ports": []any{map[string]any{"name": "https-443", "port": 443.0, "protocol": "HTTPS", "targetPort": 443.0}},
		},
	}
	metadata, _ := decision.Gateway["metadata"].(map[string]any)
	stamped, _ := metadata["annotations"].(map[string]any)
	if stamp, _ := stamped["portcullis.dev/admitted"].(string); !strings.HasPrefix(stamp, "sha256:") || len(stamped) != 1 {
		t.Errorf("got annotations %v, want the guard's stamp alone", stamped)
	}
	delete(metadata, "annotations")
	if !reflect.DeepEqual(decision.Gateway, want) {
		t.Errorf("got gateway %v, want %v", decision.Gateway, want)
	}
}

func TestReviewPrintsEmptyListsAndNoNulls(t *testing.T) {
	tests := map[string]struct {
		spec   string
		status int
	}{
		"of an admitted gateway":           {`{clusterIds: [c1]}`, 0},
		"of one that a rule refuses":       {`{clusterIds: [nowhere]}`, 1},
		"of one that the schema refuses":   {`{clusterIds: [c1], replicaCount: two}`, 1},
		"of one that has an unknown field": {`{clusterIds: [c1], replicas: 2}`, 1},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := reviewed(t, "-f", file(t, edgeWith(test.spec)), "--with", file(t, clusters("c1")), "-o", "json")
			if got.status != test.status || got.errOut != "" {
				t.Errorf("got exit status %d and %q, want %d", got.status, got.errOut, test.status)
			}
			if strings.Contains(got.out, "null") {
				t.Errorf("a null is in\n%s", got.out)
			}
			decision := decoded[map[string]any](t, got)
			if keys := keysOf(decision); !slices.Equal(keys, resultKeys) {
				t.Errorf("got keys %v, want %v", keys, resultKeys)
			}
			if want := map[string]any{"AddressLoss": []any{}, "Restart": []any{}}; !reflect.DeepEqual(decision["effects"], want) {
				t.Errorf("got effects %v, want %v", decision["effects"], want)
			}
			denials, _ := decision["denials"].([]any)
			if allowed := len(denials) == 0; decision["allowed"] != allowed || allowed != (test.status == 0) {
				t.Errorf("got allowed %v with denials %v", decision["allowed"], denials)
			}
			for _, denial := range denials {
				if keys := keysOf(denial); !slices.Equal(keys, findingKeys) {
					t.Errorf("got a denial with %v, want %v", keys, findingKeys)
				}
			}
		})
	}
}

func TestReviewPrintsAnEmptyListWhereEveryDenialBecameAWarning(t *testing.T) {
	sinner := file(t, edgeWith(`{clusterIds: [gone]}`))
	decision := decoded[map[string]any](t, reviewed(t, "-f", sinner, "--old", sinner, "--with", file(t, clusters("c1")), "-o", "json"))
	if denials, ok := decision["denials"].([]any); !ok || len(denials) > 0 {
		t.Errorf("got denials %v, want []", decision["denials"])
	}
	if warnings, _ := decision["warnings"].([]any); len(warnings) == 0 || decision["allowed"] != true {
		t.Errorf("got allowed %v, warnings %v", decision["allowed"], decision["warnings"])
	}
}

func TestReviewPrintsAListForSeveralGateways(t *testing.T) {
	one, other := edgeWith(`{clusterIds: [c1]}`), named("other", edgeWith(`{clusterIds: [nowhere]}`))
	got := reviewed(t, "-f", file(t, one+"---\n"+other), "--with", file(t, clusters("c1")), "-o", "json")
	if got.status != 1 {
		t.Errorf("got exit status %d, want 1: one of two is refused", got.status)
	}
	decisions := decoded[[]result](t, got)
	if len(decisions) != 2 || !decisions[0].Allowed || decisions[1].Allowed {
		t.Errorf("got %+v, want the first admitted and the second refused", decisions)
	}
}

func TestReviewPrintsTheSameAsYAML(t *testing.T) {
	for name, text := range map[string]string{
		"of one gateway":      edgeWith(`{clusterIds: [c1, nowhere], ports: [{port: 80}]}`),
		"of several gateways": edgeWith(`{clusterIds: [c1]}`) + "---\n" + named("other", edgeWith(`{}`)),
	} {
		t.Run(name, func(t *testing.T) {
			path, with := file(t, text), file(t, clusters("c1"))
			inJSON := reviewed(t, "-f", path, "--with", with, "-o", "json")
			inYAML := reviewed(t, "-f", path, "--with", with, "-o", "yaml")
			if inYAML.status != inJSON.status || inYAML.status != 1 {
				t.Errorf("got exit status %d and %d, want 1", inYAML.status, inJSON.status)
			}
			back, err := yaml.YAMLToJSON([]byte(inYAML.out))
			if err != nil {
				t.Fatal(err)
			}
			var got any
			if err := json.Unmarshal(back, &got); err != nil {
				t.Fatal(err)
			}
			if want := decoded[any](t, inJSON); !reflect.DeepEqual(got, want) {
				t.Errorf("got %v, want %v", got, want)
			}
			for format, out := range map[string]string{"JSON": inJSON.out, "YAML": inYAML.out} {
				if !strings.HasSuffix(out, "\n") || strings.HasSuffix(out, "\n\n") {
					t.Errorf("%s ends with %q, want one end of line", format, out[len(out)-3:])
				}
			}
		})
	}
}
