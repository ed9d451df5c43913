package policy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"sigs.k8s.io/yaml"
)

// The parameters that rules come with, and the JSON schema that these, with an installation's own over them, must fit.
const (
	parametersFile       = "parameters.yaml"
	parametersSchemaFile = "parameters.schema.json"
)

// mismatches asks where a value does not fit a schema. OPA has the one validator that it needs anyway.
const mismatches = `{problem | some problem in json.match_schema(input.value, input.schema)[1]}`

// mismatch is one of them, as OPA words it.
type mismatch struct {
	Field, Type, Desc, Error string
}

// sentence names the path, also where OPA names what lies around it.
func (m mismatch) sentence() string {
	path := strings.TrimPrefix(m.Field, "(Root)")
	if m.Type == "additional_property_not_allowed" {
		name := strings.TrimSuffix(strings.TrimPrefix(m.Desc, "Additional property "), " is not allowed")
		return fmt.Sprintf("%s must be absent: no rule reads it", strings.TrimPrefix(path+"."+name, "."))
	}
	if path == "" {
		return m.Desc
	}
	return fmt.Sprintf("%s: %s", path, m.Desc)
}

// readParameters reads the parameters that the rules come with.
func readParameters(rules fs.FS) (map[string]any, error) {
	text, err := fs.ReadFile(rules, parametersFile)
	if errors.Is(err, fs.ErrNotExist) {
		text, err = []byte("{}"), nil
	}
	if err != nil {
		return nil, err
	}
	var parameters map[string]any
	if err := yaml.UnmarshalStrict(text, &parameters, asWritten); err != nil {
		return nil, fmt.Errorf("%s: %w", parametersFile, err)
	}
	return parameters, nil
}

// asWritten keeps numbers as they are written: as a float64 a large one would be 4.294967295e+09 in a sentence.
func asWritten(decoder *json.Decoder) *json.Decoder {
	decoder.UseNumber()
	return decoder
}

// readParametersSchema reads the schema of the parameters; nil where there is none. Defaults have the shape of a
// gateway's spec, so that the definitions of the input's schema are at hand in it.
func readParametersSchema(rules fs.FS) (map[string]any, error) {
	var schema map[string]any
	if err := readJSON(rules, parametersSchemaFile, &schema); err != nil || schema == nil {
		return nil, err
	}
	var input struct {
		Definitions map[string]any `json:"definitions"`
	}
	if err := readJSON(rules, inputSchemaFile, &input); err != nil {
		return nil, err
	}
	local(schema)
	if input.Definitions != nil {
		schema["definitions"] = input.Definitions
	}
	return schema, nil
}

// local makes references into the input's schema ones into the schema itself.
func local(schema any) {
	switch schema := schema.(type) {
	case map[string]any:
		if target, ok := schema["$ref"].(string); ok {
			schema["$ref"] = strings.TrimPrefix(target, inputSchemaFile)
		}
		for _, inside := range schema {
			local(inside)
		}
	case []any:
		for _, inside := range schema {
			local(inside)
		}
	}
}

// checkParameters refuses parameters that do not fit their schema over others: what no rule reads, and what a rule would
// misread. Rego compares a string with a list without a word, and finds them different.
func (s *ruleSet) checkParameters(under, over map[string]any) error {
	if s.parametersSchema == nil && len(over) > 0 {
		return fmt.Errorf("%s must describe what rules read for anybody to set it, is absent", parametersSchemaFile)
	}
	if err := checkTaken("", under, over); err != nil || s.parametersSchema == nil {
		return err
	}
	return checkFit(merge(under, over), s.parametersSchema)
}

// checkTaken refuses null for what is not there: it is a misspelt name, and its author would think that the value is
// gone.
func checkTaken(path string, under, over map[string]any) error {
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(over)) {
		at := path + name
		known, isKnown := under[name]
		if over[name] == nil && !isKnown {
			errs = append(errs, fmt.Errorf("%s must be there for null to take it away, is absent", at))
			continue
		}
		if upper, ok := over[name].(map[string]any); ok {
			lower, _ := known.(map[string]any)
			errs = append(errs, checkTaken(at+".", lower, upper))
		}
	}
	return errors.Join(errs...)
}

// checkFit refuses parameters that do not fit their schema, each with its path.
func checkFit(parameters, schema map[string]any) error {
	// Not those of rules, which may not match schemas: one could refer to another host. This one may not either.
	offline := ast.CapabilitiesForThisVersion()
	offline.AllowNet = []string{}
	results, err := rego.New(
		rego.Query(mismatches),
		rego.Capabilities(offline),
		rego.StrictBuiltinErrors(true),
		rego.Input(map[string]any{"value": parameters, "schema": schema}),
	).Eval(context.Background())
	if err != nil {
		return fmt.Errorf("%s: %w", parametersSchemaFile, err)
	}
	answer, err := onlyAnswer(results)
	if err != nil {
		return fmt.Errorf("%s: %w", parametersSchemaFile, err)
	}
	var found []mismatch
	if err := decode(answer, &found); err != nil {
		return fmt.Errorf("%s: %w", parametersSchemaFile, err)
	}
	errs := make([]error, 0, len(found))
	slices.SortFunc(found, func(a, b mismatch) int { return strings.Compare(a.sentence(), b.sentence()) })
	for _, mismatch := range found {
		errs = append(errs, errors.New(mismatch.sentence()))
	}
	return errors.Join(errs...)
}

// merge is one tree of values over another: objects key by key, everything else as a whole. null takes a key
// away, because there is no other way to say that something has no value.
func merge(under, over map[string]any) map[string]any {
	out := maps.Clone(under)
	if out == nil {
		out = map[string]any{}
	}
	for key, value := range over {
		if value == nil {
			delete(out, key)
			continue
		}
		lower, isObject := out[key].(map[string]any)
		upper, areObjects := value.(map[string]any)
		if isObject && areObjects {
			value = merge(lower, upper)
		}
		out[key] = value
	}
	return out
}
