package author

import (
	"fmt"
	"os"
	"path/filepath"
)

// Find says which library a folder is part of: root is the folder that validate/, mutate/ or own/ lie in, and within
// the path from there to the folder, with slashes. The folder may be the root itself or anything below it, so that the
// author of one rule can work in its folder.
func Find(folder string) (root, within string, err error) {
	start, err := filepath.Abs(folder)
	if err != nil {
		return "", "", err
	}
	if info, err := os.Stat(start); err != nil {
		return "", "", err
	} else if !info.IsDir() {
		return "", "", fmt.Errorf("%s must be a folder, is a file", folder)
	}
	for root = start; !isRoot(root); root = filepath.Dir(root) {
		if root == filepath.Dir(root) {
			return "", "", fmt.Errorf("%s must be a folder with validate/, mutate/ or own/, or be in one, is not", folder)
		}
	}
	within, err = filepath.Rel(root, start)
	return root, filepath.ToSlash(within), err
}

// isRoot says whether a folder holds a library. own/<policy> looks like one and is part of another.
func isRoot(folder string) bool {
	if filepath.Base(filepath.Dir(folder)) == "own" {
		return false
	}
	for _, kind := range []string{"validate", "mutate", "own"} {
		if info, err := os.Stat(filepath.Join(folder, kind)); err == nil && info.IsDir() {
			return true
		}
	}
	return false
}
