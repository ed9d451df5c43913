package change

import (
	"flag"
	"fmt"
	"reflect"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"testing"

	"k8s.io/apimachinery/pkg/api/resource"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/gateway"
)

// one is the number of the random pair to judge alone: the number that a failure printed.
var one = flag.Int64("pair", -1, "judge the random pair of this number alone")

const (
	// pairs is how many random pairs are judged, shards in how many parts.
	pairs, shards = 100_000, 8
	// shortPairs is how many are judged with -short, and under the race detector.
	shortPairs = 4_000
)

func TestWhatIsPredictedIsWhatHappens(t *testing.T) {
	if *one >= 0 {
		t.Log(numbered(uint64(*one)))
		check(t, fmt.Sprintf("pair %d", *one), numbered(uint64(*one)), true)
		return
	}
	count := pairs
	if raced || testing.Short() {
		count = shortPairs
	}
	// Little stays and much goes: a collector that comes less often takes a third of the time.
	defer debug.SetGCPercent(debug.SetGCPercent(400))
	tally := &tally{changed: map[string]int{}, effects: map[Effect]int{}}
	t.Run("in every random pair", func(t *testing.T) {
		for shard := range shards {
			t.Run(fmt.Sprintf("of shard %d", shard), func(t *testing.T) {
				t.Parallel()
				for number := shard; number < count && !t.Failed(); number += shards {
					p := numbered(uint64(number))
					tally.add(check(t, fmt.Sprintf("pair %d (repeat it alone with -pair=%d)", number, number), p, number%5 == 0))
				}
			})
		}
	})
	t.Logf("%d pairs: %d with restarts, %d with lost addresses, %d with neither", count, tally.effects[Restart], tally.effects[AddressLoss], tally.none)
	if !raced && !testing.Short() {
		tally.expectAll(t)
	}
}

// tally counts what the pairs were about, so that it shows when they are about too little.
type tally struct {
	sync.Mutex
	changed map[string]int
	effects map[Effect]int
	none    int
}

// add counts one change.
func (c *tally) add(change Change) {
	c.Lock()
	defer c.Unlock()
	for _, field := range change.Changes {
		c.changed[ofType(field.keys)]++
	}
	none := true
	for effect, clusters := range change.Effects {
		if len(clusters) > 0 {
			c.effects[effect]++
			none = false
		}
	}
	if none {
		c.none++
	}
}

// expectAll fails for each field of the type that no pair changed, in the spec and in overrides.
func (c *tally) expectAll(t *testing.T) {
	t.Helper()
	known := typePaths()
	if len(known) < 90 {
		t.Fatalf("found %d fields, want all of the spec's type", len(known))
	}
	for _, path := range known {
		if c.changed[path] == 0 {
			t.Errorf("no pair changed %s", path)
		}
	}
	for key := range annotations {
		if gateway.Counts(key) && c.changed["metadata.annotations."+key] == 0 {
			t.Errorf("no pair changed annotation %s", key)
		}
	}
	if c.none < pairs/10 || c.effects[Restart] < pairs/10 || c.effects[AddressLoss] < pairs/20 {
		t.Errorf("the pairs are lopsided: %v, %d without any effect", c.effects, c.none)
	}
}

// typePaths lists the fields of the spec's type that a change can name: values, lists and maps.
func typePaths() []string {
	var out []string
	var walk func(of reflect.Type, keys []string)
	walk = func(of reflect.Type, keys []string) {
		for of.Kind() == reflect.Pointer {
			of = of.Elem()
		}
		if of.Kind() != reflect.Struct || of == reflect.TypeFor[resource.Quantity]() || strings.HasSuffix(of.Name(), "IntOrString") {
			out = append(out, strings.Join(keys, "."))
			return
		}
		for i := range of.NumField() {
			name, _, _ := strings.Cut(of.Field(i).Tag.Get("json"), ",")
			next := slices.Clone(keys)
			if name != "" {
				next = append(next, name)
			}
			walk(of.Field(i).Type, next)
		}
	}
	walk(reflect.TypeFor[v1beta1.IstioGatewaySpec](), []string{"spec"})
	return slices.DeleteFunc(out, func(path string) bool { return path == "spec.overrides" })
}

// ofType is the path of a field in the type: without a cluster's ID, and without the keys of maps.
func ofType(keys []string) string {
	if _, ok := overridden(keys); ok {
		keys = append([]string{"spec"}, keys[overrideKey+1:]...)
	}
	full := strings.Join(keys, ".")
	known := typePathSet()
	for i := len(keys); i > 0; i-- {
		if prefix := strings.Join(keys[:i], "."); known[prefix] {
			return prefix
		}
	}
	return full
}

// typePathSet finds a path of the type.
var typePathSet = sync.OnceValue(func() map[string]bool {
	out := map[string]bool{}
	for _, path := range typePaths() {
		out[path] = true
	}
	return out
})

// check holds the prediction for a pair against what happens, and the blame against what the blamed fields do.
func check(t *testing.T, name string, p pair, thorough bool) Change {
	t.Helper()
	got, err := Between(p.old, p.new, p.registered)
	if err != nil {
		t.Fatalf("%s: %v\n%s", name, err, p)
	}
	var c *comparison
	if thorough {
		if c, err = compare(p.old, p.new, p.registered); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		checkFields(t, name, p, c)
	}
	want := map[Effect][]string{Restart: {}, AddressLoss: {}}
	for _, id := range set(placesOf(p.old, p.old, p.registered)) {
		before, after := outcomeIn(t, p, p.old, id), outcomeIn(t, p, p.new, id)
		// Where nothing of what runs has changed, a change says nothing, not even that it cannot run.
		if (before.broken || after.broken) && !concerns(got.Changes, id) {
			continue
		}
		for effect, happens := range map[Effect]func(before, after outcome) bool{Restart: restarted, AddressLoss: released} {
			if !happens(before, after) {
				continue
			}
			want[effect] = append(want[effect], id)
			if thorough && slices.Contains(got.Effects[effect], id) {
				checkBlame(t, name, p, got, c, effect, id, before, happens)
			}
		}
	}
	if !reflect.DeepEqual(got.Effects, want) {
		t.Errorf("%s: predicted %v, happens %v\n%s", name, got.Effects, want, p)
	}
	return got
}

// concerns says whether any of the changed fields can matter in a cluster: not when they are all overrides of others.
func concerns(changes []Field, id string) bool {
	return slices.ContainsFunc(changes, func(field Field) bool {
		return !strings.HasPrefix(field.Path, "spec.overrides.") || strings.HasPrefix(field.Path, "spec.overrides."+id)
	})
}

// outcomeIn is what a version of the pair is in a cluster.
func outcomeIn(t *testing.T, p pair, gw *v1beta1.IstioGateway, id string) outcome {
	t.Helper()
	out, err := outcomeOf(gw, p.old, p.registered, id)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// checkFields holds the list of changed fields against the versions: set in the old one, they make the new one.
func checkFields(t *testing.T, name string, p pair, c *comparison) {
	t.Helper()
	all := c.before
	paths := map[string]bool{}
	for _, field := range c.changed {
		all = with(all, field.keys, field.After)
		if paths[field.Path] {
			t.Errorf("%s: two fields are called %s\n%s", name, field.Path, p)
		}
		paths[field.Path] = true
	}
	if len(all)+len(c.after) > 0 && !reflect.DeepEqual(all, c.after) {
		t.Errorf("%s: the changed fields make %s, want %s\n%s", name, inYAML(all), inYAML(c.after), p)
	}
}

// checkBlame holds the blame in a cluster against what the blamed fields do: they alone have the effect, and all others
// together do not have it.
func checkBlame(t *testing.T, name string, p pair, got Change, c *comparison, effect Effect, id string, before outcome, happens func(before, after outcome) bool) {
	t.Helper()
	var blamed, others []int
	for i, field := range got.Changes {
		if slices.Contains(field.Effects, effect) && slices.Contains(field.Clusters, id) {
			blamed = append(blamed, i)
			continue
		}
		others = append(others, i)
	}
	does := func(fields []int) bool {
		partial, err := c.partial(fields)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		return happens(before, outcomeIn(t, p, partial, id))
	}
	if p.new == nil {
		// A gateway that goes takes everything with it; which field it is that goes is no question.
		return
	}
	if !does(blamed) {
		t.Errorf("%s: %s in %s is blamed on %v, which alone do not have it\n%s", name, effect, id, blamedPaths(got, blamed), p)
	}
	if !before.broken && does(others) {
		t.Errorf("%s: %s in %s is blamed on %v, and the others have it without them\n%s", name, effect, id, blamedPaths(got, blamed), p)
	}
}

// blamedPaths are the paths of some fields.
func blamedPaths(change Change, fields []int) []string {
	var out []string
	for _, i := range fields {
		out = append(out, change.Changes[i].Path)
	}
	return out
}
