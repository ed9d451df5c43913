package gateway

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
)

// honoured are the fields that ASM honours per cluster, by the mesh version that does so first.
var honoured = map[string]string{
	"serviceAnnotations": "0",
	"podAnnotations":     "0",
	"resources":          "0",
	"replicaCount":       "0",
	"autoscaleEnabled":   "1.16",
	"minReplicas":        "1.16",
	"maxReplicas":        "1.16",
	"cpu":                "1.16",
	"memory":             "1.16",
	"serviceType":        "1.16",
}

// overrides are a value of every field of the type, by its JSON name. One that Place makes nothing of in an
// override it must make something of in the spec, or the test would prove nothing.
var overrides = map[string]string{
	"replicaCount":                `7`,
	"autoscaleEnabled":            `false`,
	"minReplicas":                 `7`,
	"maxReplicas":                 `7`,
	"cpu":                         `{targetAverageUtilization: 7}`,
	"memory":                      `{targetAverageUtilization: 7}`,
	"rollingMaxSurge":             `"7"`,
	"rollingMaxUnavailable":       `"7"`,
	"ports":                       `[{port: 7}]`,
	"serviceType":                 `NodePort`,
	"loadBalancerClass":           `a`,
	"loadBalancerIP":              `192.0.2.7`,
	"externalTrafficPolicy":       `Local`,
	"serviceAnnotations":          `{a: b}`,
	"serviceLabels":               `{a: b}`,
	"podLabels":                   `{a: b}`,
	"podAnnotations":              `{a: b}`,
	"resources":                   `{limits: {cpu: 7}}`,
	"env":                         `[{name: a}]`,
	"nodeSelector":                `{a: b}`,
	"affinity":                    `{}`,
	"tolerations":                 `[{operator: Exists}]`,
	"secretVolumes":               `[{name: a, secretName: b, mountPath: /c}]`,
	"configVolumes":               `[{name: a, configMapName: b, mountPath: /c}]`,
	"kernel":                      `{enabled: true}`,
	"runAsRoot":                   `true`,
	"lifecycle":                   `{}`,
	"readinessProbe":              `{periodSeconds: 7}`,
	"hostNetwork":                 `true`,
	"dnsPolicy":                   `Default`,
	"disableContainerPortExposed": `false`,
	"sds":                         `{enabled: true}`,
	"meshExpansionPorts":          `[{port: 7}]`,
	"applicationPorts":            `a`,
	"requestedNetworkView":        `a`,
	"compression":                 `{enabled: true}`,
	"autoCreateGatewayYaml":       `true`,
}

// fieldsOf lists the JSON names of a type's fields, those of embedded types among them.
func fieldsOf(of reflect.Type) []string {
	var out []string
	for i := range of.NumField() {
		field := of.Field(i)
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if name == "" {
			out = append(out, fieldsOf(field.Type)...)
			continue
		}
		out = append(out, name)
	}
	return out
}

func TestExactlyTheHonouredFieldsAreOverridden(t *testing.T) {
	for _, field := range fieldsOf(reflect.TypeFor[v1beta1.IstioGatewayBasicConfiguration]()) {
		value, known := overrides[field]
		if !known {
			t.Errorf("%s is a field that this test does not know", field)
			continue
		}
		for _, mesh := range []string{"1.9.7.107", "1.15.99", "1.16", "1.26.0"} {
			plain := effectiveIn(t, mesh, `{}`)
			stated := effectiveIn(t, mesh, `{`+field+`: `+value+`}`)
			overridden := effectiveIn(t, mesh, `{overrides: {c8a4b2e19d04: {`+field+`: `+value+`}}}`)
			if reflect.DeepEqual(plain, stated) {
				t.Fatalf("%s: %s makes no difference in the spec", field, value)
			}
			want, since := plain, honoured[field]
			if since != "" && CompareVersions(mesh, since) >= 0 {
				want = stated
			}
			if !reflect.DeepEqual(overridden, want) {
				t.Errorf("%s in mesh %s: got %s, want %s", field, mesh, asJSON(t, overridden), asJSON(t, want))
			}
		}
	}
}

func TestExactlyTheHonouredFieldsAreShownOfAnOverride(t *testing.T) {
	shown := fieldsOf(reflect.TypeFor[v1beta1.EffectiveOverride]())
	for field, since := range honoured {
		if !slices.Contains(shown, field) {
			t.Errorf("%s is honoured and has no field to show it", field)
		}
		for _, mesh := range []string{"1.15.99", "1.16"} {
			gw := gatewayOf(t, `{overrides: {c8a4b2e19d04: {`+field+`: `+overrides[field]+`}}}`)
			want := `{"` + field + `":` + asJSON(t, at(t, Place(gw, clusterOf(first, mesh)).Spec, field)) + `}`
			if CompareVersions(mesh, since) < 0 {
				want = "null"
			}
			if got := asJSON(t, Overridden(gw, Place(gw, clusterOf(first, mesh)))); got != want {
				t.Errorf("%s in mesh %s: got %s, want %s", field, mesh, got, want)
			}
		}
	}
	if len(shown) != len(honoured) {
		t.Errorf("shows %v, want the honoured fields alone", shown)
	}
}

// at is a field of a value, as it goes over the wire.
func at(t *testing.T, value any, field string) any {
	t.Helper()
	out := map[string]any{}
	if err := json.Unmarshal([]byte(asJSON(t, value)), &out); err != nil {
		t.Fatal(err)
	}
	return out[field]
}

func TestAnOverrideIsShownAsItHolds(t *testing.T) {
	gw := gatewayOf(t, `{serviceAnnotations: {a: b, c: d}, replicaCount: 2, overrides: {c8a4b2e19d04: {serviceAnnotations: {a: "", e: f}}}}`)
	if got, want := asJSON(t, Overridden(gw, Place(gw, clusterOf(first, "")))), `{"serviceAnnotations":{"c":"d","e":"f"}}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := Overridden(gw, Place(gw, clusterOf(second, ""))); got != nil {
		t.Errorf("got %s where nothing is overridden", asJSON(t, got))
	}
}

func TestHonouredFieldsExist(t *testing.T) {
	fields := fieldsOf(reflect.TypeFor[v1beta1.IstioGatewayBasicConfiguration]())
	for field := range honoured {
		if !slices.Contains(fields, field) {
			t.Errorf("%s is said to be honoured and is no field", field)
		}
	}
}

func TestPlaceIsSafeForManyAtOnce(t *testing.T) {
	gw, here, there := gatewayOf(t, everything), clusterOf(first, ""), clusterOf(second, "")
	want := [2]string{asJSON(t, Place(gw, here)), asJSON(t, Place(gw, there))}
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 50 {
				if got := [2]string{asJSON(t, Place(gw, here)), asJSON(t, Place(gw, there))}; got != want {
					t.Errorf("got %s, want %s", got, want)
				}
			}
		})
	}
	group.Wait()
}
