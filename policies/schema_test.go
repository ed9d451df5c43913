package policies_test

import (
	"encoding/json"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"

	"portcullis.dev/portcullis/pkg/policy"
	"portcullis.dev/portcullis/policies"
)

// inputSchema is the schema of what rules read.
func inputSchema(t *testing.T) map[string]any {
	t.Helper()
	text, err := fs.ReadFile(policies.FS, "schemas/input.json")
	if err != nil {
		t.Fatal(err)
	}
	var schema map[string]any
	if err := json.Unmarshal(text, &schema); err != nil {
		t.Fatal(err)
	}
	return schema
}

// check compiles modules as opa check --strict --schema schemas/input.json does.
func check(t *testing.T, modules map[string]*ast.Module) ast.Errors {
	t.Helper()
	schemas := ast.NewSchemaSet()
	schemas.Put(ast.SchemaRootRef, inputSchema(t))
	compiler := ast.NewCompiler().WithStrict(true).WithSchemas(schemas).WithUseTypeCheckAnnotations(true)
	compiler.Compile(modules)
	return compiler.Errors
}

// tested are modules without their tests, which may ask what no API server would.
func tested(modules map[string]*ast.Module) map[string]*ast.Module {
	maps.DeleteFunc(modules, func(name string, _ *ast.Module) bool { return strings.HasSuffix(name, testSuffix) })
	return modules
}

func TestRulesReadWhatTheInputHas(t *testing.T) {
	modules := tested(parse(t))
	for _, err := range check(t, modules) {
		t.Error(err)
	}
	for _, name := range slices.Sorted(maps.Keys(modules)) {
		for _, path := range unknownPaths(t, modules[name]) {
			t.Errorf("%s reads %s, which the schema of the input has not", name, path)
		}
	}
}

func TestARuleThatReadsNoFieldOfTheInputIsRefused(t *testing.T) {
	for name, test := range map[string]struct{ body, says string }{
		"of the request":      {`input.request.userr.username == "a"`, "input.request.userr"},
		"of the gateway":      {`input.gateway.spec.replicaCounts > 1`, "input.gateway.spec.replicaCounts"},
		"of a type too":       {`input.gateway.spec.replicaCount == "1"`, "match error"},
		"in a list":           {`input.gateway.spec.ports[_].targetport == 80`, "input.gateway.spec.ports[_].targetport"},
		"of a cluster":        {`input.clusters[_].facts.node > 1`, "input.clusters[_].facts.node"},
		"of an override":      {`input.gateway.spec.overrides.c1.replicas > 1`, "input.gateway.spec.overrides.c1.replicas"},
		"of an approval":      {`input.approvals[_].approvedBy.name == "a"`, "input.approvals[_].approvedBy.name"},
		"of the change":       {`input.change.effects.Restarts`, "input.change.effects.Restarts"},
		"through object.get":  {`object.get(input, ["clusters", "c1", "fact"], {}) == {}`, "input.clusters.c1.fact"},
		"below input as such": {`input.gatway`, "input.gatway"},
	} {
		t.Run(name, func(t *testing.T) {
			module, err := ast.ParseModuleWithOpts("validate/own/own.rego", "package validate.own\n\ndeny contains 1 if "+test.body+"\n", ast.ParserOptions{RegoVersion: ast.RegoV1})
			if err != nil {
				t.Fatal(err)
			}
			said := strings.Join(unknownPaths(t, module), "\n")
			if errs := check(t, map[string]*ast.Module{"validate/own/own.rego": module}); len(errs) > 0 {
				said += errs.Error()
			}
			if !strings.Contains(said, test.says) {
				t.Errorf("got %q, want one about %s", said, test.says)
			}
		})
	}
}

// TestSamplesFitTheSchema holds the schema to what is really asked, whose fields it must all have.
func TestSamplesFitTheSchema(t *testing.T) {
	eachSample(t, "accepted", func(t *testing.T, object map[string]any, _ string) {
		for _, problem := range mismatches(t, written(t, input(t, object)), inputSchema(t)) {
			t.Error(problem)
		}
	})
}

func TestTheSchemaRefusesAnInputOfAnotherShape(t *testing.T) {
	problems := strings.Join(mismatches(t, map[string]any{"request": map[string]any{"user": "a"}, "gatway": map[string]any{}}, inputSchema(t)), "\n")
	for _, want := range []string{"gatway", "request.user", "clusters is required", "operation is required"} {
		if !strings.Contains(problems, want) {
			t.Errorf("got %s, want one about %s", problems, want)
		}
	}
}

// mismatches say where a value does not fit a schema.
func mismatches(t *testing.T, value, schema any) []string {
	t.Helper()
	results, err := rego.New(
		rego.Query("{problem.error | some problem in json.match_schema(input.value, input.schema)[1]}"),
		rego.Input(map[string]any{"value": value, "schema": schema}),
	).Eval(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, problem := range results[0].Expressions[0].Value.([]any) {
		out = append(out, problem.(string))
	}
	return out
}

// written is the input as rules read it.
func written(t *testing.T, in policy.Input) any {
	t.Helper()
	engine, err := policy.New(t.Context(), echo(), policy.Options{})
	if err != nil {
		t.Fatal(err)
	}
	mutation, err := engine.Mutate(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	out, err := mutation.Apply(map[string]any{})
	if err != nil {
		t.Fatal(err)
	}
	return out["input"]
}

// echo are rules that fill the input that they read into the object.
func echo() fs.FS {
	const main = "package main\n\nmutate := {\"fill\": [{\"rule\": \"r\", \"path\": \"/input\", \"value\": input, \"absent\": []}], \"ensure\": []}\n\nvalidate := {}\n"
	const rule = "# METADATA\n# scope: package\n# title: A rule\n# description: Why it is.\npackage mutate.r\n\nfill := {}\n"
	return fstest.MapFS{"main/main.rego": {Data: []byte(main)}, "mutate/r/r.rego": {Data: []byte(rule)}}
}
