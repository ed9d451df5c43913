package change

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"k8s.io/apimachinery/pkg/types"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
)

// Digest names a change of one gateway, sha256:<hex>; empty when nothing changed. The same change has the same digest
// in every process.
func Digest(uid types.UID, changes []Field) (string, error) {
	if len(changes) == 0 {
		return "", nil
	}
	return hashed(struct {
		UID     types.UID `json:"uid"`
		Changes []Field   `json:"changes"`
	}{uid, changes})
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

// hashed is the hash of a value's canonical form: encoding/json sorts the keys of maps, and Go's floats have one
// shortest form.
func hashed(value any) (string, error) {
	canonical, err := json.Marshal(value)
	if err != nil {
		return "", fmt.Errorf("writing what is hashed as JSON: %w", err)
	}
	sum := sha256.Sum256(canonical)
	return "sha256:" + hex.EncodeToString(sum[:]), nil
}
