package change

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/types"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
)

// Digest names a change of one gateway, sha256:<hex>; empty when nothing changed. The same change has the same digest
// in every process, whoever wrote it down: neither the order of fields and keys nor the spelling of a number counts.
func Digest(uid types.UID, changes []Field) (string, error) {
	if len(changes) == 0 {
		return "", nil
	}
	canonical := make([]Field, 0, len(changes))
	for _, field := range changes {
		// Effects and clusters are sets; a list of none and no list are the same.
		field.Effects = append([]Effect{}, set(field.Effects)...)
		field.Clusters = append([]string{}, set(field.Clusters)...)
		var err error
		if field.Before, err = canonicalValue(field.Before); err != nil {
			return "", fmt.Errorf("writing %s before the change: %w", field.Path, err)
		}
		if field.After, err = canonicalValue(field.After); err != nil {
			return "", fmt.Errorf("writing %s after the change: %w", field.Path, err)
		}
		canonical = append(canonical, field)
	}
	slices.SortStableFunc(canonical, func(a, b Field) int { return cmp.Compare(a.Path, b.Path) })
	return hashed(struct {
		UID     types.UID `json:"uid"`
		Changes []Field   `json:"changes"`
	}{uid, canonical})
}

// Fingerprint names what of a gateway decides what runs, sha256:<hex>: its spec, and the annotations that count. Two
// versions that only look different have the same one.
func Fingerprint(gw *v1beta1.IstioGateway) (string, error) {
	runs, err := tree(gw)
	if err != nil {
		return "", err
	}
	return hashed(runs)
}

// set is a list sorted, each item once.
func set[T cmp.Ordered](list []T) []T {
	return slices.Compact(slices.Sorted(slices.Values(list)))
}

// canonicalValue is a value as JSON would bring it back, whatever Go type held it.
func canonicalValue(value any) (any, error) {
	raw, err := json.Marshal(value)
	if err != nil {
		return nil, err
	}
	return decode(raw)
}

// hashed is the hash of a value's canonical form: encoding/json sorts the keys of maps.
func hashed(value any) (string, error) {
	canonical, err := json.Marshal(value)
	if err != nil {
		return "", fmt.Errorf("writing what is hashed as JSON: %w", err)
	}
	sum := sha256.Sum256(canonical)
	return "sha256:" + hex.EncodeToString(sum[:]), nil
}
