package schema

import (
	"strings"
	"testing"
	"testing/fstest"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"

	"portcullis.dev/portcullis/charts"
)

// gatewaySchema is the compiled schema of IstioGateway.
func gatewaySchema(t *testing.T) *Schema {
	t.Helper()
	schemas, err := Load(charts.CRDs)
	if err != nil {
		t.Fatal(err)
	}
	found := schemas[schema.GroupVersionKind{Group: "istio.alibabacloud.com", Version: "v1beta1", Kind: "IstioGateway"}]
	if found == nil {
		t.Fatal("no schema of IstioGateway v1beta1")
	}
	return found
}

// object reads YAML as an API server would read the JSON of it.
func object(t *testing.T, text string) map[string]any {
	t.Helper()
	var out map[string]any
	if err := yaml.Unmarshal([]byte(text), &out); err != nil {
		t.Fatal(err)
	}
	return normalize(out).(map[string]any)
}

// normalize makes whole numbers int64, as the API server's decoder does.
func normalize(value any) any {
	switch value := value.(type) {
	case map[string]any:
		for key, item := range value {
			value[key] = normalize(item)
		}
		return value
	case []any:
		for i, item := range value {
			value[i] = normalize(item)
		}
		return value
	case float64:
		return int64(value)
	default:
		return value
	}
}

func TestLoadCompilesEveryVersionOfEveryKind(t *testing.T) {
	schemas, err := Load(charts.CRDs)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []schema.GroupVersionKind{
		{Group: "istio.alibabacloud.com", Version: "v1beta1", Kind: "IstioGateway"},
		{Group: "istio.alibabacloud.com", Version: "v1", Kind: "IstioGateway"},
		{Group: "portcullis.dev", Version: "v1alpha1", Kind: "GatewayCluster"},
		{Group: "portcullis.dev", Version: "v1alpha1", Kind: "ChangeApproval"},
		{Group: "portcullis.dev", Version: "v1alpha1", Kind: "GatewayPolicy"},
	} {
		if schemas[want] == nil {
			t.Errorf("no schema of %s", want)
		}
	}
}

func TestLoadRefusesAFileThatIsNoCRD(t *testing.T) {
	_, err := Load(fstest.MapFS{"x/files/crds/bad.yaml": {Data: []byte("kind: [")}})
	if err == nil || !strings.Contains(err.Error(), "loading x/files/crds/bad.yaml") {
		t.Errorf("got %v, want an error that names the file", err)
	}
}

func TestUnknownNamesEachUnknownField(t *testing.T) {
	gateway := object(t, `
apiVersion: istio.alibabacloud.com/v1beta1
kind: IstioGateway
metadata: {name: edge, namespace: istio-system}
spec: {replicas: 2, kernel: {parameters: {fs.file-max: "1"}}}
`)
	got := strings.Join(gatewaySchema(t).Unknown(gateway), " ")
	if got != "spec.kernel.parameters.fs.file-max spec.replicas" {
		t.Errorf("got %q", got)
	}
	if _, kept := gateway["spec"].(map[string]any)["replicas"]; !kept {
		t.Error("the object was changed")
	}
}

func TestDefaultFillsWhatTheSchemaDefaults(t *testing.T) {
	gateway := object(t, `{spec: {ports: [{port: 80}]}}`)
	filled := gatewaySchema(t).Default(gateway)
	port := filled["spec"].(map[string]any)["ports"].([]any)[0].(map[string]any)
	if port["protocol"] != "TCP" {
		t.Errorf("got protocol %v, want TCP", port["protocol"])
	}
	if _, changed := gateway["spec"].(map[string]any)["ports"].([]any)[0].(map[string]any)["protocol"]; changed {
		t.Error("the object was changed")
	}
}

func TestValidateSaysWhatTheAPIServerSays(t *testing.T) {
	tests := map[string]struct {
		spec, want string
	}{
		"accepts an empty spec":                       {`{}`, ""},
		"refuses a type that is not known":            {`{gatewayType: cross-network}`, `spec.gatewayType: Unsupported value: "cross-network"`},
		"refuses text where a number must be":         {`{replicaCount: many}`, `spec.replicaCount: Invalid value: "string": spec.replicaCount in body must be of type integer: "string"`},
		"refuses a CPU target over 100":               {`{cpu: {targetAverageUtilization: 101}}`, "should be less than or equal to 100"},
		"refuses a cluster that is named twice":       {`{clusterIds: [a, a]}`, `spec.clusterIds[1]: Duplicate value: "a"`},
		"refuses an environment variable named twice": {`{env: [{name: A}, {name: A}]}`, `spec.env[1]: Duplicate value`},
		"refuses min above max":                       {`{minReplicas: 3, maxReplicas: 2}`, "minReplicas must not be above maxReplicas"},
		"refuses min above max in an override":        {`{overrides: {a: {minReplicas: 3, maxReplicas: 2}}}`, "spec.overrides[a]: Invalid value: minReplicas must not be above maxReplicas"},
		"refuses an update that can replace no pod":   {`{rollingMaxSurge: "0", rollingMaxUnavailable: "0%"}`, "no pod could ever be replaced"},
		"accepts a share and a number":                {`{rollingMaxSurge: "100%", rollingMaxUnavailable: "1"}`, ""},
		"refuses unquoted kernel parameters":          {`{kernel: {parameters: {net.core.somaxconn: 65535}}}`, "must be of type string"},
	}
	compiled := gatewaySchema(t)
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			gateway := object(t, "{apiVersion: istio.alibabacloud.com/v1beta1, kind: IstioGateway, metadata: {name: edge}, spec: "+test.spec+"}")
			err := compiled.Validate(t.Context(), compiled.Default(gateway), nil).ToAggregate()
			if test.want == "" && err != nil {
				t.Errorf("refused: %v", err)
			}
			if test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

func TestValidateJudgesAnUpdateAgainstWhatIsStored(t *testing.T) {
	schemas, err := Load(charts.CRDs)
	if err != nil {
		t.Fatal(err)
	}
	approval := schemas[schema.GroupVersionKind{Group: "portcullis.dev", Version: "v1alpha1", Kind: "ChangeApproval"}]
	text := `{apiVersion: portcullis.dev/v1alpha1, kind: ChangeApproval, metadata: {name: a}, spec: {gatewayName: edge, reason: REASON, digest: "sha256:` + strings.Repeat("0", 64) + `"}}`
	old, changed := object(t, strings.ReplaceAll(text, "REASON", "one")), object(t, strings.ReplaceAll(text, "REASON", "two"))
	if err := approval.Validate(t.Context(), old, old).ToAggregate(); err != nil {
		t.Errorf("refused an unchanged approval: %v", err)
	}
	if err := approval.Validate(t.Context(), changed, old).ToAggregate(); err == nil || !strings.Contains(err.Error(), "spec is immutable") {
		t.Errorf("got %v, want a refusal", err)
	}
}
