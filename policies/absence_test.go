package policies_test

import (
	"fmt"
	"maps"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"sigs.k8s.io/yaml"

	"portcullis.dev/portcullis/pkg/api/v1alpha1"
)

// separator joins the steps of a way: keys of annotations have dots and slashes in them.
const separator = "\x00"

// absences are the paths of the input that a rule says may be absent, by the rule's code: METADATA, custom.absent. A *
// stands for any one key or index, ** at the end for anything in it too.
func absences(t *testing.T) map[string][]string {
	t.Helper()
	modules, out := parse(t), map[string][]string{}
	for _, folder := range rules(t) {
		said := annotations(modules, folder)
		if said == nil {
			continue
		}
		listed, _ := said.Custom["absent"].([]any)
		for _, path := range listed {
			out[pathBase(folder)] = append(out[pathBase(folder)], fmt.Sprint(path))
		}
	}
	return out
}

// pathBase is the code of a rule's folder.
func pathBase(folder string) string { return path.Base(folder) }

// matcher finds the ways that a declared path stands for.
func matcher(declared string) *regexp.Regexp {
	quoted := strings.ReplaceAll(regexp.QuoteMeta(declared), `\.\*\*`, "("+separator+".*)?")
	quoted = strings.ReplaceAll(quoted, `\*`, "[^"+separator+"]+")
	return regexp.MustCompile("^" + strings.ReplaceAll(quoted, `\.`, "[."+separator+"]") + "$")
}

// asker evaluates what the engine asks, of any input: with fields missing that Go would always write.
func asker(t *testing.T) func(t *testing.T, input any) map[string]int {
	t.Helper()
	compiler := ast.NewCompiler().WithStrict(true)
	if compiler.Compile(tested(parse(t))); compiler.Failed() {
		t.Fatal(compiler.Errors)
	}
	store, txn := parameters(t)
	store.Abort(t.Context(), txn)
	query, err := rego.New(rego.Query("data.main.validate.deny"), rego.Compiler(compiler), rego.Store(store), rego.StrictBuiltinErrors(true)).PrepareForEval(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return func(t *testing.T, input any) map[string]int {
		t.Helper()
		results, err := query.Eval(t.Context(), rego.EvalInput(input))
		if err != nil {
			t.Fatal(err)
		}
		out := map[string]int{}
		for _, denial := range results[0].Expressions[0].Value.([]any) {
			fields := denial.(map[string]any)
			out[fmt.Sprintf("%s: %s: %s", fields["code"], fields["field"], fields["message"])]++
		}
		return out
	}
}

// ways are the ways to every field and item, at any depth.
func ways(to []string, value any) [][]string {
	var out [][]string
	switch value := value.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(value)) {
			way := append(slices.Clone(to), key)
			out = append(append(out, way), ways(way, value[key])...)
		}
	case []any:
		for i, item := range value {
			way := append(slices.Clone(to), fmt.Sprint(i))
			out = append(append(out, way), ways(way, item)...)
		}
	}
	return out
}

// short is a value without what a way leads to.
func short(value any, way []string) any {
	switch value := value.(type) {
	case map[string]any:
		out := maps.Clone(value)
		if len(way) == 1 {
			delete(out, way[0])
			return out
		}
		out[way[0]] = short(value[way[0]], way[1:])
		return out
	case []any:
		for i := range value {
			if fmt.Sprint(i) != way[0] {
				continue
			}
			if len(way) == 1 {
				return append(append([]any{}, value[:i]...), value[i+1:]...)
			}
			out := slices.Clone(value)
			out[i] = short(value[i], way[1:])
			return out
		}
	}
	return value
}

// lost are the codes of rules that refuse less than before, where nothing else is refused instead.
func lost(before, after map[string]int) []string {
	for denial := range after {
		if before[denial] == 0 {
			return nil
		}
	}
	var out []string
	for denial := range before {
		if after[denial] == 0 {
			code, _, _ := strings.Cut(denial, ":")
			out = append(out, code)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// refusedInputs are the inputs of all gateways that are refused, by name.
func refusedInputs(t *testing.T) map[string]any {
	t.Helper()
	text, err := os.ReadFile("testdata/sins.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var in struct {
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
	if err := yaml.UnmarshalStrict(text, &in); err != nil {
		t.Fatal(err)
	}
	var known []v1alpha1.GatewayCluster
	for name, stated := range in.Clusters {
		cluster := cluster(name, stated.Mesh, stated.Facts)
		cluster.Spec.Managed = new(stated.Managed)
		known = append(known, cluster)
	}
	out := map[string]any{}
	engine := newEngine(t)
	for name, sin := range in.Sins {
		metadata := map[string]any{"name": "edge", "namespace": "istio-system"}
		maps.Copy(metadata, sin.Metadata)
		gateway := map[string]any{"metadata": metadata, "spec": sin.Spec}
		mutation, err := engine.Mutate(t.Context(), inputAmong(t, gateway, known))
		if err != nil {
			t.Fatal(err)
		}
		filled, err := mutation.Apply(gateway)
		if err != nil {
			t.Fatal(err)
		}
		input := plain(t, written(t, inputAmong(t, filled, known))).(map[string]any)
		maps.Copy(input["request"].(map[string]any), sin.Request)
		if sin.Old != nil {
			input["old"] = sin.Old
		}
		for id, neighbours := range sin.Beside {
			input["clusters"].(map[string]any)[id].(map[string]any)["neighbours"] = neighbours
		}
		if sin.Change != nil {
			input["change"] = sin.Change
		}
		if sin.Policies != nil {
			input["policies"] = sin.Policies
		}
		if sin.Approvals != nil {
			input["approvals"] = sin.Approvals
		}
		out[name] = input
	}
	return out
}

// TestAbsenceRefuses drops each field, at any depth, of what is asked about each gateway that is refused: a rule that
// refused it does not fall silent, unless it says itself that this field may be absent. What is said for nothing is
// found too.
func TestAbsenceRefuses(t *testing.T) {
	ask, declared := asker(t), absences(t)
	needed := map[string]bool{}
	for name, input := range refusedInputs(t) {
		t.Run(name, func(t *testing.T) {
			before := ask(t, input)
			if len(before) == 0 {
				t.Fatal("let in")
			}
			all := ways(nil, input)
			for _, way := range all {
				// Without a gateway it would be a deletion, without an old one a creation; the engine refuses to ask such
				// things, which a test of its own holds.
				if len(way) == 1 && (way[0] == "gateway" || way[0] == "old") {
					continue
				}
				for _, code := range lost(before, ask(t, short(input, way))) {
					excuses := excusing(declared[code], all, way)
					if len(excuses) == 0 {
						t.Errorf("%s is silent without %s", code, strings.Join(way, "."))
					}
					for _, path := range excuses {
						needed[code+": "+path] = true
					}
				}
			}
		})
	}
	for code, paths := range declared {
		for _, path := range paths {
			if !needed[code+": "+path] {
				t.Errorf("%s says that %s may be absent, and would not be silent without it", code, path)
			}
		}
	}
}

// excusing are the declared paths of what a way leads to, or of something in it.
func excusing(declared []string, all [][]string, way []string) []string {
	return slices.DeleteFunc(slices.Clone(declared), func(path string) bool {
		matches := matcher(path)
		return !slices.ContainsFunc(all, func(inside []string) bool {
			return len(inside) >= len(way) && slices.Equal(inside[:len(way)], way) && matches.MatchString(strings.Join(inside, separator))
		})
	})
}

// TestWhatMayBeAbsentIsThis lists what rules say of themselves a second time, so that no exception comes in unseen.
func TestWhatMayBeAbsentIsThis(t *testing.T) {
	text, err := os.ReadFile("testdata/absent.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var want map[string][]string
	if err := yaml.UnmarshalStrict(text, &want); err != nil {
		t.Fatal(err)
	}
	if got := absences(t); !maps.EqualFunc(got, want, slices.Equal) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestAPathStandsForWhatIsInIt(t *testing.T) {
	for path, ways := range map[string]map[string]bool{
		"a.b":     {"a b": true, "a": false, "a b c": false},
		"a.*":     {"a b": true, "a": false, "a b c": false, "a b.c/d": true},
		"a.**":    {"a": true, "a b": true, "a b c": true, "b": false},
		"*.a.b":   {"c a b": true, "a b": false},
		"a.x.y/z": {"a x.y/z": true},
	} {
		for way, want := range ways {
			if got := matcher(path).MatchString(strings.ReplaceAll(way, " ", separator)); got != want {
				t.Errorf("%s stands for %s: %v, want %v", path, way, got, want)
			}
		}
	}
}
