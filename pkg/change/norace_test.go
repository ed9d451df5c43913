//go:build !race

package change

// raced says that the race detector watches, which makes everything ten times as slow.
const raced = false
