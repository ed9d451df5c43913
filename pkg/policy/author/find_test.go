package author_test

import (
	"os"
	"path/filepath"
	"testing"

	"portcullis.dev/portcullis/pkg/policy/author"
)

func TestFindSaysWhichLibraryAFolderIsPartOf(t *testing.T) {
	top := t.TempDir()
	for _, folder := range []string{"library/validate/a", "library/lib/b", "mine/own/acme/validate/c", "mine/own/acme/lib/d", "empty/lib"} {
		if err := os.MkdirAll(filepath.Join(top, folder), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for folder, want := range map[string][2]string{
		"library":                  {"library", "."},
		"library/validate":         {"library", "validate"},
		"library/validate/a":       {"library", "validate/a"},
		"library/lib/b":            {"library", "lib/b"},
		"mine":                     {"mine", "."},
		"mine/own":                 {"mine", "own"},
		"mine/own/acme":            {"mine", "own/acme"},
		"mine/own/acme/validate/c": {"mine", "own/acme/validate/c"},
		"mine/own/acme/lib/d":      {"mine", "own/acme/lib/d"},
	} {
		root, within, err := author.Find(filepath.Join(top, folder))
		if err != nil || root != filepath.Join(top, want[0]) || within != want[1] {
			t.Errorf("%s: got %s, %s and %v, want %v", folder, root, within, err, want)
		}
	}
	_, _, err := author.Find(filepath.Join(top, "empty", "lib"))
	expectError(t, err, "must be a folder with validate/, mutate/ or own/, or be in one, is not")
	_, _, err = author.Find(filepath.Join(top, "nowhere"))
	expectError(t, err, "nowhere: no such file or directory")
	file := filepath.Join(top, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, _, err = author.Find(file)
	expectError(t, err, "must be a folder, is a file")
}

func TestFindTakesTheCurrentFolder(t *testing.T) {
	top := t.TempDir()
	if err := os.MkdirAll(filepath.Join(top, "validate", "a"), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Chdir(filepath.Join(top, "validate", "a"))
	_, within, err := author.Find(".")
	if err != nil || within != "validate/a" {
		t.Errorf("got %s and %v, want validate/a", within, err)
	}
}
