package policies_test

import (
	"strings"
	"testing"

	"github.com/open-policy-agent/opa/v1/ast"
)

// unknownPaths are the paths below input that a module reads and the schema has not. OPA's own check stops where keys
// are free, as below input.clusters, and does not look into object.get.
func unknownPaths(t *testing.T, module *ast.Module) []string {
	t.Helper()
	schema := inputSchema(t)
	var out []string
	look := func(path []*ast.Term) {
		if len(path) > 0 && !has(schema, schema, path) {
			out = append(out, append(ast.Ref{ast.InputRootDocument}, path...).String())
		}
	}
	ast.WalkTerms(module, func(term *ast.Term) bool {
		switch value := term.Value.(type) {
		case ast.Ref:
			if value.HasPrefix(ast.InputRootRef) {
				look(value[1:])
			}
		case ast.Call:
			look(gotten(value))
		}
		return false
	})
	return out
}

// gotten is the path that a call of object.get reads of the input.
func gotten(call ast.Call) []*ast.Term {
	if call[0].String() != ast.ObjectGet.Name {
		return nil
	}
	of, isRef := call[1].Value.(ast.Ref)
	steps, isList := call[2].Value.(*ast.Array)
	if !isRef || !isList || !of.HasPrefix(ast.InputRootRef) {
		return nil
	}
	path := append([]*ast.Term{}, of[1:]...)
	steps.Foreach(func(step *ast.Term) { path = append(path, step) })
	return path
}

// has says whether a schema has a path. What is no text stands for any key.
func has(root, schema map[string]any, path []*ast.Term) bool {
	if target, ok := schema["$ref"].(string); ok {
		return has(root, definition(root, target), path)
	}
	if len(path) == 0 {
		return true
	}
	properties, _ := schema["properties"].(map[string]any)
	if name, ok := path[0].Value.(ast.String); ok {
		if property, ok := properties[string(name)].(map[string]any); ok {
			return has(root, property, path[1:])
		}
	} else if len(properties) > 0 {
		// A field that is only known while a rule runs.
		return true
	}
	for _, word := range []string{"additionalProperties", "items"} {
		if inside, ok := schema[word].(map[string]any); ok {
			return has(root, inside, path[1:])
		}
	}
	return schema["additionalProperties"] != false && properties == nil && schema["type"] == nil
}

// definition is what a $ref refers to.
func definition(root map[string]any, target string) map[string]any {
	at := root
	for _, step := range strings.Split(strings.TrimPrefix(target, "#/"), "/") {
		at, _ = at[step].(map[string]any)
	}
	return at
}
