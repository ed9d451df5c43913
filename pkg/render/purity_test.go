package render

import (
	"fmt"
	"maps"
	"reflect"
	"sync"
	"testing"
)

// crowded is a gateway whose every map and list has many entries, so that an order that is left to chance
// would show.
func crowded(t testing.TB) *input {
	t.Helper()
	in := inputOf(t, `
ports: [{port: 80}]
resources: {limits: {cpu: 4, memory: 8Gi, ephemeral-storage: 1Gi}, requests: {cpu: 1, memory: 1Gi, ephemeral-storage: 1Gi}}
maxReplicas: 5
minReplicas: 2
cpu: {targetAverageUtilization: 80}
memory: {targetAverageUtilization: 80}
env: [{name: A, value: b}]
affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: [{key: type, operator: In, values: [virtual-kubelet]}]}]}}}
lifecycle: {preStop: {sleep: {seconds: 5}}}
kernel: {enabled: true, parameters: {net.core.somaxconn: "1", net.ipv4.tcp_rmem: "1", net.ipv4.tcp_wmem: "1", net.ipv4.tcp_retries2: "1"}}
`)
	in.cluster = readInput(t, "testdata/mesh-profile.in.yaml").cluster
	many := map[string]string{}
	for i := range 60 {
		many[fmt.Sprintf("KEY_%d", i)] = fmt.Sprint(i)
	}
	spec := &in.gateway.Spec
	for _, into := range []*map[string]string{
		&spec.PodLabels, &spec.PodAnnotations, &spec.ServiceLabels, &spec.ServiceAnnotations, &spec.NodeSelector,
		&in.gateway.Annotations, &in.cluster.Spec.Mesh.ProxyMetadata,
	} {
		*into = maps.Clone(many)
	}
	return in
}

func TestTheSameInputGivesTheSameBytes(t *testing.T) {
	inputs := cases(t)
	inputs["crowded"] = crowded(t)
	for name, in := range inputs {
		t.Run(name, func(t *testing.T) {
			want := all(t, rendered(t, in))
			for range 1000 / len(inputs) {
				if got := all(t, rendered(t, in)); got != want {
					t.Fatalf("got  %s\nwant %s", got, want)
				}
			}
		})
	}
}

func TestOneInputGivesTheSameBytesAThousandTimesAtOnce(t *testing.T) {
	in := crowded(t)
	want := all(t, rendered(t, in))
	placed := in.place()
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 125 {
				objects, err := Render(placed)
				if err != nil {
					t.Errorf("rendering: %v", err)
					return
				}
				if got := all(t, objects); got != want {
					t.Errorf("got  %s\nwant %s", got, want)
					return
				}
			}
		})
	}
	group.Wait()
}

func TestRenderChangesNothingThatComesIn(t *testing.T) {
	inputs := cases(t)
	inputs["crowded"] = crowded(t)
	for name, in := range inputs {
		t.Run(name, func(t *testing.T) {
			placed, untouched := in.place(), in.place()
			objects, err := Render(placed)
			if err != nil {
				t.Fatalf("rendering: %v", err)
			}
			// Nor may anything that is done with the objects reach the input.
			for _, object := range objects.List() {
				scramble(reflect.ValueOf(object))
			}
			if !reflect.DeepEqual(placed, untouched) {
				t.Errorf("the input is now %s\nwas %s", asJSON(t, placed), asJSON(t, untouched))
			}
		})
	}
}

// scramble changes everything that can be reached from a value.
func scramble(value reflect.Value) {
	switch value.Kind() {
	case reflect.Pointer:
		if !value.IsNil() {
			scramble(value.Elem())
		}
	case reflect.Struct:
		for i := range value.NumField() {
			scramble(value.Field(i))
		}
	case reflect.Slice:
		for i := range value.Len() {
			scramble(value.Index(i))
		}
	case reflect.Map:
		value.Clear()
	case reflect.String:
		change(value, reflect.ValueOf("scrambled"))
	case reflect.Bool:
		change(value, reflect.ValueOf(!value.Bool()))
	case reflect.Int32, reflect.Int64:
		change(value, reflect.ValueOf(1))
	default:
	}
}

// change sets a value that can be set.
func change(value, to reflect.Value) {
	if value.CanSet() {
		value.Set(to.Convert(value.Type()))
	}
}

func TestScrambleReachesEverything(t *testing.T) {
	objects := rendered(t, crowded(t))
	before := all(t, objects)
	for _, object := range objects.List() {
		scramble(reflect.ValueOf(object))
	}
	if all(t, objects) == before {
		t.Error("nothing was scrambled, so the test of the input proves nothing")
	}
	expectAt(t, objects.Deployment, "null", "spec", "template", "metadata", "labels")
	expectAt(t, objects.Deployment, `"scrambled"`, proxy("image")...)
}

func BenchmarkRender(b *testing.B) {
	inputs := map[string]*input{"crowded": crowded(b)}
	for _, name := range []string{"minimal", "ingress-in-its-first-cluster"} {
		inputs[name] = readInput(b, "testdata/"+name+".in.yaml")
	}
	for name, in := range inputs {
		placed := in.place()
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Render(placed); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(name+"-and-hash", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				objects, err := Render(in.place())
				if err != nil {
					b.Fatal(err)
				}
				hash(b, objects)
			}
		})
	}
}
