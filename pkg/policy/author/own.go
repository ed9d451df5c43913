package author

import (
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
)

// Own is the rules of one GatewayPolicy, as they lie in own/<policy>/.
type Own struct {
	// Policy is its name.
	Policy string
	// Modules and Tests by their path in own/<policy>/, for example validate/owner/owner.rego.
	Modules, Tests map[string]string
	// Parameters of its parameters.yaml, by code.
	Parameters map[string]any
}

// Own are the rules of GatewayPolicies among those that the author asks about, by the policies' names.
func (s *Set) Own() []Own {
	found := map[string]*Own{}
	for _, module := range s.asked() {
		parts := strings.SplitN(module.path, "/", 3)
		if parts[0] != "own" || len(parts) < 3 {
			continue
		}
		own := found[parts[1]]
		if own == nil {
			own = &Own{Policy: PolicyOf(parts[1]), Modules: map[string]string{}, Tests: map[string]string{}, Parameters: s.own[parts[1]].values}
			found[parts[1]] = own
		}
		files := own.Modules
		if module.isTest() {
			files = own.Tests
		}
		files[parts[2]] = string(module.text)
	}
	var all []Own
	for _, pkg := range slices.Sorted(maps.Keys(found)) {
		all = append(all, *found[pkg])
	}
	return all
}

// readOwn reads the parameters of GatewayPolicies.
func (s *Set) readOwn(rules fs.FS) error {
	s.own = map[string]parameters{}
	files, err := fs.Glob(rules, "own/*/"+parametersFile)
	if err != nil {
		return err
	}
	for _, file := range files {
		own, err := readParameters(rules, file)
		if err != nil {
			return fmt.Errorf("%s: %w", path.Join(s.name, file), err)
		}
		s.own[path.Base(path.Dir(file))] = own
	}
	return nil
}

// all are the parameters as rules read them: the library's, and those of GatewayPolicies over them.
func (s *Set) all() map[string]any {
	merged := s.parameters
	for _, policy := range slices.Sorted(maps.Keys(s.own)) {
		merged = merge(merged, s.own[policy].values)
	}
	return merged
}

// merge is one tree of values over another, as the engine merges: objects key by key, and null takes a key away.
func merge(under, over map[string]any) map[string]any {
	out := map[string]any{}
	maps.Copy(out, under)
	for key, value := range over {
		lower, _ := out[key].(map[string]any)
		upper, isObject := value.(map[string]any)
		switch {
		case value == nil:
			delete(out, key)
		case isObject:
			out[key] = merge(lower, upper)
		default:
			out[key] = value
		}
	}
	return out
}
