package change

import (
	"crypto/sha256"
	"encoding/binary"
	"testing"
)

// FuzzBetween holds predictions against what happens, for pairs that a fuzzer turns towards code that none reached yet:
// go test -fuzz FuzzBetween ./pkg/change
func FuzzBetween(f *testing.F) {
	f.Add([]byte{})
	for seed := range uint64(64) {
		// Choices enough for most fields, spread by a hash.
		var data []byte
		for block := range uint64(32) {
			sum := sha256.Sum256(binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(nil, seed), block))
			data = append(data, sum[:]...)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		check(t, "this pair", encoded(data), true)
	})
}
