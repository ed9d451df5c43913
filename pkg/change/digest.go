package change

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"k8s.io/apimachinery/pkg/types"
)

// digest names a change of one gateway. encoding/json sorts the keys of maps and Go's floats have one
// shortest form, so the same change has the same digest in every process.
func digest(uid types.UID, changes []Field) (string, error) {
	if len(changes) == 0 {
		return "", nil
	}
	canonical, err := json.Marshal(struct {
		UID     types.UID `json:"uid"`
		Changes []Field   `json:"changes"`
	}{uid, changes})
	if err != nil {
		return "", fmt.Errorf("writing the change as JSON: %w", err)
	}
	sum := sha256.Sum256(canonical)
	return "sha256:" + hex.EncodeToString(sum[:]), nil
}
