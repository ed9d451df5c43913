package author_test

import (
	"io/fs"
	"maps"
	"slices"
	"testing"

	"portcullis.dev/portcullis/pkg/policy"
	"portcullis.dev/portcullis/pkg/policy/author"
	"portcullis.dev/portcullis/policies"
)

func TestLoadReadsWhatLiesInTheFoldersOfALibrary(t *testing.T) {
	set := load(t, but(sound(),
		"mutate/b/b.rego", "package mutate.b",
		"own/acme/validate/c/c.rego", "package own.acme.validate.c",
		"own/acme/lib/d/d.rego", "package own.acme.lib.d",
		"elsewhere/e/e.rego", "not Rego",
		"validate/a/README.md", "not Rego"))
	expectLines(t, set.Rules(), "mutate/b", "own/acme/validate/c", "validate/a")
}

func TestLoadReadsOnlyWhatIsAskedAbout(t *testing.T) {
	files := but(sound(), "validate/ab/ab.rego", "package validate.ab", "mutate/b/b.rego", "package mutate.b")
	expectLines(t, load(t, files, "validate/a").Rules(), "validate/a")
	expectLines(t, load(t, files, "validate/a", "mutate").Rules(), "mutate/b", "validate/a")
	expectLines(t, load(t, files, ".").Rules(), "mutate/b", "validate/a", "validate/ab")
}

func TestLoadRefusesWhereThereIsNothing(t *testing.T) {
	_, err := author.Load(source(map[string]string{"validate/a/a.txt": ""}))
	expectError(t, err, "reading the rules: there must be Rego in rules, is none")
	_, err = author.Load(source(sound(), "mutate", "validate/b"))
	expectError(t, err, "there must be Rego in rules/mutate, rules/validate/b, is none")
}

func TestLoadRefusesParametersThatItCannotRead(t *testing.T) {
	_, err := author.Load(source(but(sound(), "parameters.yaml", "a: {b: 1, b: 2}")))
	expectError(t, err, "reading the parameters: rules/parameters.yaml: ", `"b" already set`)
	_, err = author.Load(source(but(sound(), "own/acme/parameters.yaml", "- a")))
	expectError(t, err, "reading the parameters: rules/own/acme/parameters.yaml: ")
}

// compiled are the files that an engine would compile.
func compiled(t *testing.T, set *author.Set) map[string]string {
	t.Helper()
	files, err := set.FS()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	err = fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := fs.ReadFile(files, name)
		out[name] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestRulesStandOnTheLibrary(t *testing.T) {
	files := compiled(t, load(t, but(sound(),
		"own/acme/validate/c/c.rego", "package own.acme.validate.c",
		"parameters.yaml", "a: {b: 4294967295}\nname: {longest: 3}\n")))
	if files["validate/a/a.rego"] != rule || files["main/main.rego"] == "" {
		t.Errorf("got %v, want the rule and the library's main", slices.Sorted(maps.Keys(files)))
	}
	for _, name := range []string{"validate/a/a_test.rego", "main/main_test.rego", "own/acme/validate/c/c.rego"} {
		if _, ok := files[name]; ok {
			t.Errorf("%s is there, want neither tests nor rules of policies", name)
		}
	}
	if _, err := policy.New(t.Context(), in(files), policy.Options{}); err != nil {
		t.Errorf("the engine does not take it: %v", err)
	}
	set := load(t, but(sound(), "parameters.yaml", "a: {b: 4294967295}\nname: {longest: 3}\n", "validate/a/a_test.rego", `package validate.a_test

test_own if sprintf("%v", [data.parameters.a.b]) == "4294967295"

test_merged if data.parameters.name == {"longest": 3}

test_library if data.parameters.namespace.allowed == ["istio-system"]
`))
	report, err := set.Test(t.Context())
	if err != nil || report.Passed != 3 {
		t.Errorf("got %+v and %v, want three tests passed", report, err)
	}
}

func TestAFolderThatIsInBothIsOfTheRules(t *testing.T) {
	files := compiled(t, load(t, map[string]string{"validate/ports/ports.rego": "package validate.ports"}))
	for name := range files {
		if name != "validate/ports/ports.rego" && len(name) > 15 && name[:15] == "validate/ports/" {
			t.Errorf("%s of the library is there", name)
		}
	}
	if files["validate/ports/ports.rego"] != "package validate.ports" {
		t.Errorf("got %q", files["validate/ports/ports.rego"])
	}
}

func TestALibraryStandsOnNone(t *testing.T) {
	files := compiled(t, load(t, but(sound(), "main/main.rego", "package main")))
	expectLines(t, slices.Sorted(maps.Keys(files)), "main/main.rego", "parameters.yaml", "validate/a/a.rego")
}

func TestTheLibraryOfTheProjectComesOutAsItIs(t *testing.T) {
	set, err := author.Load(author.Source{Rules: policies.FS, Capabilities: policy.Capabilities()})
	if err != nil {
		t.Fatal(err)
	}
	for name, got := range compiled(t, set) {
		want, err := fs.ReadFile(policies.FS, name)
		if err != nil {
			t.Fatal(err)
		}
		if name != "parameters.yaml" && got != string(want) {
			t.Errorf("%s is another", name)
		}
	}
}

func TestOwnAreTheRulesOfGatewayPolicies(t *testing.T) {
	set := load(t, but(sound(),
		"own/team_a/validate/b/b.rego", "package own.team_a.validate.b",
		"own/team_a/validate/b/b_test.rego", "package own.team_a.validate.b_test",
		"own/team_a/parameters.yaml", "b: {c: 1}",
		"own/acme/lib/d/d.rego", "package own.acme.lib.d"))
	all := set.Own()
	if len(all) != 2 || all[0].Policy != "acme" || all[1].Policy != "team-a" {
		t.Fatalf("got %+v, want acme and team-a", all)
	}
	expectLines(t, slices.Sorted(maps.Keys(all[0].Modules)), "lib/d/d.rego")
	expectLines(t, slices.Sorted(maps.Keys(all[1].Modules)), "validate/b/b.rego")
	expectLines(t, slices.Sorted(maps.Keys(all[1].Tests)), "validate/b/b_test.rego")
	expectLines(t, []any{all[1].Parameters, all[0].Parameters}, "map[b:map[c:1]]", "map[]")
	if others := load(t, sound()).Own(); len(others) > 0 {
		t.Errorf("got %v, want none", others)
	}
}

func TestParametersOfAPolicyAreMergedOverTheLibrarys(t *testing.T) {
	report := tested(t, map[string]string{
		"own/acme/validate/b/b_test.rego": `package own.acme.validate.b_test

test_own if data.parameters.b == {"c": 1}

test_merged if {
	data.parameters.defaults.all.replicaCount == 7
	data.parameters.defaults.all.gatewayType == "ingress"
}

test_taken_away if not data.parameters.defaults.within
`,
		"own/acme/parameters.yaml": "b: {c: 1}\ndefaults: {all: {replicaCount: 7}, within: null}\n",
	})
	if report.Passed != 3 {
		t.Errorf("got %+v", report)
	}
}
