package review

import (
	"fmt"
	"maps"
	"slices"
)

const (
	// mostBytes is the largest gateway: an API server takes no larger request (3 MiB), and etcd stores half of that.
	mostBytes = 3 << 20
	// mostEntries is the longest list or map below spec. Rules compare entries with each other, so that a list of
	// ten times as many takes a hundred times as long; no gateway that serves anybody comes near it.
	mostEntries = 1024
)

// checkBounds refuses a gateway that is too large to be judged in time, and quickly. A stored one that is as large is
// left alone: its deadline stops what takes too long, and removing its finalizers does not.
func checkBounds(request Request, raw []byte) error {
	if len(raw) > mostBytes {
		return fmt.Errorf("IstioGateway must be at most %d bytes of JSON, is %d", mostBytes, len(raw))
	}
	err := checkEntries("spec", request.Gateway.Raw["spec"])
	if err != nil && request.Old != nil && checkEntries("spec", request.Old.Raw["spec"]) != nil {
		return nil
	}
	return err
}

// checkEntries refuses a list or a map with too many entries, at any depth.
func checkEntries(path string, value any) error {
	switch value := value.(type) {
	case map[string]any:
		if len(value) > mostEntries {
			return fmt.Errorf("%s must have at most %d entries, has %d", path, mostEntries, len(value))
		}
		for _, key := range slices.Sorted(maps.Keys(value)) {
			if err := checkEntries(path+"."+key, value[key]); err != nil {
				return err
			}
		}
	case []any:
		if len(value) > mostEntries {
			return fmt.Errorf("%s must have at most %d items, has %d", path, mostEntries, len(value))
		}
		for i, item := range value {
			if err := checkEntries(fmt.Sprintf("%s[%d]", path, i), item); err != nil {
				return err
			}
		}
	}
	return nil
}
