// Package opaconfig reads what configuration files in OPA's format have in common, whatever they configure.
package opaconfig

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/config"
	"sigs.k8s.io/yaml"
)

// CheckKeys refuses a configuration with other keys at its top than those that are taken, and what OPA would leave out
// without a word: whoever wrote it would think that it holds.
func CheckKeys(raw []byte, taken ...string) error {
	top := map[string]any{}
	if err := yaml.Unmarshal(raw, &top); err != nil {
		return err
	}
	for _, key := range slices.Sorted(maps.Keys(top)) {
		if !slices.Contains(taken, key) {
			return fmt.Errorf("key must be one of %s, is %s", strings.Join(taken, ", "), key)
		}
	}
	known, err := config.ParseConfig(raw, "")
	if err != nil {
		return err
	}
	if len(known.Warnings) > 0 {
		return errors.New(known.Warnings[0])
	}
	return nil
}
