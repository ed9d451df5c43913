package policy

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"
)

// parametersFile holds the parameters that rules come with.
const parametersFile = "parameters.yaml"

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

// checkParameters refuses what no rule reads, and what a rule would misread: Rego compares a string with a list
// without a word, and finds them different.
func checkParameters(parameters, own map[string]any) error {
	var errs []error
	for _, code := range slices.Sorted(maps.Keys(own)) {
		of, known := parameters[code].(map[string]any)
		stated, isObject := own[code].(map[string]any)
		if !known || !isObject {
			errs = append(errs, fmt.Errorf("%s must be an object with the parameters of a rule that has some (%s), is not",
				code, strings.Join(slices.Sorted(maps.Keys(parameters)), ", ")))
			continue
		}
		for _, name := range slices.Sorted(maps.Keys(stated)) {
			if !isSameKind(of[name], stated[name]) {
				errs = append(errs, fmt.Errorf("%s.%s must be %s, is %s", code, name, kind(of[name]), kind(stated[name])))
			}
		}
	}
	return errors.Join(errs...)
}

// isSameKind says whether a rule can read a stated parameter as it reads its own; null takes one away.
func isSameKind(known, stated any) bool {
	return kind(known) == kind(stated) || (stated == nil && known != nil)
}

// kind names what a value of JSON is.
func kind(value any) string {
	switch value.(type) {
	case nil:
		return "absent"
	case map[string]any:
		return "an object"
	case []any:
		return "a list"
	case bool:
		return "true or false"
	case string:
		return "a string"
	default:
		return "a number"
	}
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
