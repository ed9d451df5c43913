package change

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/intstr"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/api/v1alpha1"
	"portcullis.dev/portcullis/pkg/gateway"
)

// pair is two versions of a gateway and the clusters that are registered.
type pair struct {
	old, new   *v1beta1.IstioGateway
	registered []v1alpha1.GatewayCluster
}

// generator makes pairs from a source of choices. It finds the fields of the type by reflection, so that none can be
// forgotten.
type generator struct {
	// choose returns a number from 0 up to a limit, without the limit.
	choose func(limit int) int
}

// numbered makes the pair of a number, always the same.
func numbered(number uint64) pair {
	random := rand.New(rand.NewPCG(4, number))
	return generator{random.IntN}.pair()
}

// encoded makes a pair out of bytes, for a fuzzer to turn: each choice is two of them. When there are none left, the
// last choice is taken, which mostly leaves out what could be there.
func encoded(data []byte) pair {
	return generator{func(limit int) int {
		if len(data) < 2 {
			return limit - 1
		}
		choice := int(binary.LittleEndian.Uint16(data)) % limit
		data = data[2:]
		return choice
	}}.pair()
}

// pair makes two versions of a gateway, mostly by a few changes to the first.
func (g generator) pair() pair {
	old := &v1beta1.IstioGateway{}
	old.Namespace, old.Name, old.UID = "istio-system", "edge", "7c4f"
	g.fill(reflect.ValueOf(&old.Spec).Elem(), "")
	// Without ports there is no Service, and most gateways have one.
	if len(old.Spec.Ports) == 0 && g.choose(8) > 0 {
		old.Spec.Ports = []corev1.ServicePort{{Port: 80}}
	}
	g.annotate(old)
	out := pair{old: old, registered: g.register()}
	g.pin(old)
	if g.choose(40) == 0 {
		return out
	}
	out.new = old.DeepCopy()
	for range 1 + g.choose(3) {
		g.change(out.new)
	}
	return out
}

// change changes one thing, or only how it is written.
func (g generator) change(gw *v1beta1.IstioGateway) {
	switch g.choose(16) {
	case 6, 7:
		g.put(reflect.ValueOf(&gw.Spec.ServiceAnnotations).Elem(), "serviceAnnotations")
	case 8:
		g.turnSlice(reflect.ValueOf(&gw.Spec.Ports).Elem(), "ports")
	case 9, 10:
		g.turn(reflect.ValueOf(&gw.Spec.PodSettings).Elem(), "")
	case 0, 1:
		g.annotate(gw)
	case 2:
		gw.Spec = gateway.Normalize(gw.Spec)
	case 3:
		gw.Spec.ClusterIDs = g.some(clusterIDs)
	case 4:
		gw.Spec = v1beta1.IstioGatewaySpec{}
		g.fill(reflect.ValueOf(&gw.Spec).Elem(), "")
	case 5:
		// What a client writes into the status must not count.
		g.pin(gw)
	default:
		g.turn(reflect.ValueOf(&gw.Spec).Elem(), "")
	}
}

// of is one of some words.
func (g generator) of(words []string) string { return words[g.choose(len(words))] }

// some are some of some words, mostly one or two.
func (g generator) some(words []string) []string {
	var out []string
	for range []int{1, 1, 1, 0, 2, 2, 2, 1, 3, 1, 5, 1}[g.choose(12)] {
		if word := g.of(words); !slices.Contains(out, word) {
			out = append(out, word)
		}
	}
	return out
}

// fill fills a value with something, or leaves it as nothing. Paths are JSON paths below spec or an override.
func (g generator) fill(value reflect.Value, path string) {
	switch {
	case path == "clusterIds":
		value.Set(reflect.ValueOf(g.some(clusterIDs)))
	case value.Type() == reflect.TypeFor[resource.Quantity]():
		value.Set(reflect.ValueOf(resource.MustParse(g.of([]string{"2", "2000m", "1Gi", "1024Mi", "0.5", "500m", "2G"}))))
	case value.Type() == reflect.TypeFor[intstr.IntOrString]():
		value.Set(reflect.ValueOf([]intstr.IntOrString{{}, intstr.FromInt32(80), intstr.FromInt32(8080), intstr.FromInt32(15021), intstr.FromString("http")}[g.choose(5)]))
	case value.Kind() == reflect.Pointer:
		if g.choose(5) == 0 || path == "" {
			value.Set(reflect.New(value.Type().Elem()))
			g.fill(value.Elem(), path)
		}
	case value.Kind() == reflect.Struct:
		for i := range value.NumField() {
			if field := value.Type().Field(i); field.IsExported() {
				g.fill(value.Field(i), below(path, field))
			}
		}
	case value.Kind() == reflect.Slice:
		if value.Set(reflect.Zero(value.Type())); g.choose(4) == 0 {
			for range 1 + g.choose(2) {
				g.grow(value, path)
			}
		}
	case value.Kind() == reflect.Map:
		if value.Set(reflect.Zero(value.Type())); g.choose(4) == 0 {
			for range 1 + g.choose(2) {
				g.put(value, path)
			}
		}
	default:
		g.scalar(value, path)
	}
}

// scalar sets a value that has no parts.
func (g generator) scalar(value reflect.Value, path string) {
	words, known := alternatives[path]
	switch {
	case known:
		value.SetString(g.of(words))
	case value.Kind() == reflect.String:
		value.SetString(g.of([]string{"", "a", "b", "c"}))
	case value.Kind() == reflect.Bool:
		value.SetBool(g.choose(2) == 0)
	default:
		value.SetInt(int64([]int{0, 1, 15, 80, 443, 8080}[g.choose(6)]))
	}
}

// turn changes one thing somewhere in a value.
func (g generator) turn(value reflect.Value, path string) {
	switch {
	case path == "clusterIds" || value.Type() == reflect.TypeFor[resource.Quantity]() || value.Type() == reflect.TypeFor[intstr.IntOrString]():
		g.fill(value, path)
	case value.Kind() == reflect.Pointer && (value.IsNil() || g.choose(3) == 0):
		was := value.IsNil()
		if value.Set(reflect.Zero(value.Type())); was {
			value.Set(reflect.New(value.Type().Elem()))
			g.fill(value.Elem(), path)
		}
	case value.Kind() == reflect.Pointer:
		g.turn(value.Elem(), path)
	case value.Kind() == reflect.Struct:
		if value.NumField() > 0 {
			i := g.choose(value.NumField())
			g.turn(value.Field(i), below(path, value.Type().Field(i)))
		}
	case value.Kind() == reflect.Slice:
		g.turnSlice(value, path)
	case value.Kind() == reflect.Map:
		g.put(value, path)
	default:
		g.scalar(value, path)
	}
}

// turnSlice makes a list longer or shorter, turns it around, or turns one of its items.
func (g generator) turnSlice(value reflect.Value, path string) {
	length := value.Len()
	switch kind := g.choose(4); {
	case kind == 0 || length == 0:
		g.grow(value, path)
	case kind == 1:
		value.Set(value.Slice(0, length-1))
	case kind == 2:
		reversed := reflect.MakeSlice(value.Type(), 0, length)
		for i := range length {
			reversed = reflect.Append(reversed, value.Index(length-1-i))
		}
		value.Set(reversed)
	default:
		g.turn(value.Index(g.choose(length)), path+"[]")
	}
}

// grow appends an item to a list.
func (g generator) grow(value reflect.Value, path string) {
	item := reflect.New(value.Type().Elem()).Elem()
	g.fill(item, path+"[]")
	value.Set(reflect.Append(value, item))
}

// put sets a key of a map, turns what is there, or takes it away.
func (g generator) put(value reflect.Value, path string) {
	keys := keysOf[path]
	if path == "overrides" {
		keys = clusterIDs
	}
	if keys == nil {
		keys = []string{"a", "b.c/d"}
	}
	if value.IsNil() {
		value.Set(reflect.MakeMap(value.Type()))
	}
	key := reflect.ValueOf(g.of(keys)).Convert(value.Type().Key())
	item := reflect.New(value.Type().Elem()).Elem()
	inner := path + "{}"
	if path == "overrides" {
		inner = ""
	}
	present := value.MapIndex(key)
	switch {
	case present.IsValid() && g.choose(3) == 0:
		item = reflect.Value{}
	case present.IsValid():
		item.Set(present)
		g.turn(item, inner)
	default:
		g.fill(item, inner)
	}
	value.SetMapIndex(key, item)
}

// below is the path of a field in a struct; the fields of an embedded one stand in its place.
func below(path string, field reflect.StructField) string {
	name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
	return strings.Trim(path+"."+name, ".")
}

// String writes a pair for people who look for what is wrong with it.
func (p pair) String() string {
	return fmt.Sprintf("old: %s\nnew: %s\nregistered: %s", inYAML(p.old), inYAML(p.new), inYAML(p.registered))
}
