package render

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/intstr"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/api/v1alpha1"
)

// unrendered are the fields, with all below them, that do not reach the objects of this package, and why.
var unrendered = map[string]string{
	"clusterIds":           "says where a gateway is, not what",
	"overrides":            "is in the effective spec, cluster by cluster",
	"sds":                  "undocumented: nothing reads it",
	"meshExpansionPorts":   "undocumented: nothing reads it",
	"applicationPorts":     "undocumented: nothing reads it",
	"requestedNetworkView": "undocumented: nothing reads it",
}

// choices are the values of fields that do not take any value: one that most fields show beside, and another.
var choices = map[string][2]any{
	"gatewayType":                 {"ingress", "egress"},
	"serviceType":                 {"LoadBalancer", "ClusterIP"},
	"externalTrafficPolicy":       {"Cluster", "Local"},
	"ports[].protocol":            {"TCP", "UDP"},
	"rollingMaxSurge":             {"10%", "20%"},
	"rollingMaxUnavailable":       {"10%", "20%"},
	"disableContainerPortExposed": {true, false},
}

// situations are what a field may need around it to show.
var situations = map[string]func(*input){
	"by itself":                 func(*input) {},
	"with an autoscaler":        func(in *input) { in.gateway.Spec.AutoscaleEnabled = new(true) },
	"with compression on":       func(in *input) { in.gateway.Spec.Compression.Enabled = new(true) },
	"with kernel parameters on": func(in *input) { in.gateway.Spec.Kernel.Enabled = new(true) },
	"with kernel parameters of its nodes": func(in *input) {
		in.gateway.Spec.Kernel.Enabled, in.gateway.Spec.HostNetwork = new(true), new(true)
		in.cluster.Spec.Mesh = &v1alpha1.MeshProfile{PrivilegedInit: true}
	},
}

// podFields are the top fields of the part of the API that says of itself that it restarts pods.
func podFields() []string {
	var out []string
	for i := range reflect.TypeFor[v1beta1.PodSettings]().NumField() {
		out = append(out, jsonName(reflect.TypeFor[v1beta1.PodSettings]().Field(i)))
	}
	return out
}

func TestEveryFieldReachesTheObjects(t *testing.T) {
	paths := leaves()
	if len(paths) < 150 {
		t.Fatalf("found %d fields, want all of the spec's type", len(paths))
	}
	for _, path := range paths {
		t.Run(path, func(t *testing.T) {
			changes, restarts := effect(t, path)
			_, excepted := exception(path)
			if changes == excepted {
				t.Errorf("changes the objects: %t; listed as not rendered: %t", changes, excepted)
			}
			top := strings.FieldsFunc(path, func(r rune) bool { return strings.ContainsRune(".[{", r) })[0]
			if want := slices.Contains(podFields(), top) && !excepted; restarts != want {
				t.Errorf("changes the pod template: %t, want %t as the API says", restarts, want)
			}
		})
	}
}

func TestEveryExceptionIsAField(t *testing.T) {
	used := map[string]bool{}
	for _, path := range leaves() {
		if prefix, ok := exception(path); ok {
			used[prefix] = true
		}
	}
	for prefix := range unrendered {
		if !used[prefix] {
			t.Errorf("%s is listed as not rendered and is no field", prefix)
		}
	}
}

// effect says whether another value of one field, all others being set, changes the objects, and the pod
// template, in any situation.
func effect(t *testing.T, path string) (changes, restarts bool) {
	t.Helper()
	for name, arrange := range situations {
		var outputs, hashes [2]string
		for i, changed := range []string{"", path} {
			in := inputOf(t, `{}`)
			in.gateway.Spec = filled(changed)
			arrange(in)
			objects, err := Render(in.place())
			if err != nil {
				t.Fatalf("rendering %s: %v", name, err)
			}
			outputs[i], hashes[i] = all(t, objects), hash(t, objects)
		}
		changes = changes || outputs[0] != outputs[1]
		restarts = restarts || hashes[0] != hashes[1]
	}
	return changes, restarts
}

// exception finds the entry of unrendered that a field is below.
func exception(path string) (string, bool) {
	for prefix := range unrendered {
		rest, below := strings.CutPrefix(path, prefix)
		if below && (rest == "" || strings.ContainsAny(rest[:1], ".[{")) {
			return prefix, true
		}
	}
	return "", false
}

// leaves lists every field of the spec's type that holds a value, however deep, by its JSON path.
func leaves() []string {
	var out []string
	spec := v1beta1.IstioGatewaySpec{}
	walk(reflect.ValueOf(&spec).Elem(), "", func(path string, _ reflect.Value) { out = append(out, path) })
	return out
}

// filled is a spec in which every field has a value, and one of them its other value.
func filled(changed string) v1beta1.IstioGatewaySpec {
	spec := v1beta1.IstioGatewaySpec{}
	walk(reflect.ValueOf(&spec).Elem(), "", func(path string, field reflect.Value) {
		set(field, path, path == changed)
	})
	return spec
}

// walk makes room for every field below a value and visits those that hold a value of their own.
func walk(value reflect.Value, path string, visit func(string, reflect.Value)) {
	switch {
	// Per cluster the same type comes again, for ever; and a list of IDs says nothing of the gateway.
	case path == "overrides" || path == "clusterIds":
		visit(path, reflect.New(reflect.TypeFor[string]()).Elem())
	case value.Type() == reflect.TypeFor[resource.Quantity]() || value.Type() == reflect.TypeFor[intstr.IntOrString]():
		visit(path, value)
	case value.Kind() == reflect.Pointer:
		value.Set(reflect.New(value.Type().Elem()))
		walk(value.Elem(), path, visit)
	case value.Kind() == reflect.Slice:
		value.Set(reflect.MakeSlice(value.Type(), 1, 1))
		walk(value.Index(0), path+"[]", visit)
	case value.Kind() == reflect.Map:
		entry := reflect.New(value.Type().Elem()).Elem()
		walk(entry, path+"{}", visit)
		value.Set(reflect.MakeMap(value.Type()))
		value.SetMapIndex(reflect.ValueOf("key").Convert(value.Type().Key()), entry)
	case value.Kind() == reflect.Struct:
		for i := range value.NumField() {
			walk(value.Field(i), join(path, jsonName(value.Type().Field(i))), visit)
		}
	default:
		visit(path, value)
	}
}

// set gives a field its usual or its other value.
func set(field reflect.Value, path string, other bool) {
	variant := map[bool]int{false: 0, true: 1}[other]
	if pair, ok := choices[path]; ok {
		field.Set(reflect.ValueOf(pair[variant]).Convert(field.Type()))
		return
	}
	switch {
	case field.Type() == reflect.TypeFor[resource.Quantity]():
		field.Set(reflect.ValueOf(*resource.NewQuantity(int64(1+variant), resource.DecimalSI)))
	case field.Type() == reflect.TypeFor[intstr.IntOrString]():
		field.Set(reflect.ValueOf(intstr.FromInt32(int32(8080 + variant))))
	case field.Kind() == reflect.String:
		// Of its own, so that no two entries of a list collide.
		field.SetString(fmt.Sprintf("%s-%d", path, variant))
	case field.Kind() == reflect.Bool:
		field.SetBool(other)
	default:
		field.SetInt(int64(1 + variant))
	}
}

// jsonName is a field's name on the wire; empty when its own fields stand in its place.
func jsonName(field reflect.StructField) string {
	name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
	return name
}

// join makes a path longer.
func join(path, name string) string {
	return strings.Trim(path+"."+name, ".")
}

func TestEveryFieldOfTheMeshProfileReachesThePods(t *testing.T) {
	const spec = `{kernel: {enabled: true, parameters: {vm.swappiness: "10"}}}`
	before := hash(t, rendered(t, inputOf(t, spec)))
	for i := range reflect.TypeFor[v1alpha1.MeshProfile]().NumField() {
		placed := inputOf(t, spec).place()
		switch field := reflect.ValueOf(&placed.Mesh).Elem().Field(i); field.Kind() {
		case reflect.String:
			// A version too, and one that renders otherwise.
			field.SetString("1.15")
		case reflect.Slice:
			field.Set(reflect.ValueOf([]string{"secret"}))
		case reflect.Bool:
			field.SetBool(true)
		default:
			field.Set(reflect.ValueOf(map[string]string{"A": "1"}))
		}
		objects, err := Render(placed)
		if err != nil {
			t.Fatal(err)
		}
		if hash(t, objects) == before {
			t.Errorf("%s does not reach the pod template", reflect.TypeFor[v1alpha1.MeshProfile]().Field(i).Name)
		}
	}
}

func TestConvertLosesNothing(t *testing.T) {
	expectSameWire[corev1ac.AffinityApplyConfiguration](t, corev1.Affinity{})
	expectSameWire[corev1ac.LifecycleApplyConfiguration](t, corev1.Lifecycle{})
	expectSameWire[corev1ac.EnvVarSourceApplyConfiguration](t, corev1.EnvVarSource{})
}

// expectSameWire converts a value with every field set and compares what goes over the wire.
func expectSameWire[To, From any](t *testing.T, from From) {
	t.Helper()
	walk(reflect.ValueOf(&from).Elem(), "", func(path string, field reflect.Value) { set(field, path, true) })
	to, err := convert[To](&from)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(at(t, to), at(t, from)) {
		t.Errorf("got  %s\nwant %s", asJSON(t, to), asJSON(t, from))
	}
}

func TestConvertLeavesOutWhatIsAbsent(t *testing.T) {
	to, err := convert[corev1ac.AffinityApplyConfiguration, corev1.Affinity](nil)
	if to != nil || err != nil {
		t.Errorf("got %v and %v, want neither", to, err)
	}
}
