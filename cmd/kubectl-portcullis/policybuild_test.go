package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"k8s.io/cli-runtime/pkg/genericiooptions"
)

// build runs policy build.
func build(t *testing.T, args ...string) (stdout string, err error) {
	t.Helper()
	var out bytes.Buffer
	command := newPolicyBuildCommand(genericiooptions.IOStreams{Out: &out, ErrOut: &out})
	command.SilenceErrors, command.SilenceUsage = true, true
	command.SetArgs(args)
	err = command.ExecuteContext(t.Context())
	return out.String(), err
}

// unpacked are the files of a bundle.
func unpacked(t *testing.T, bundle []byte) map[string]string {
	t.Helper()
	zip, err := gzip.NewReader(bytes.NewReader(bundle))
	if err != nil {
		t.Fatal(err)
	}
	files, reader := map[string]string{}, tar.NewReader(zip)
	for {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(reader)
		if err != nil {
			t.Fatal(err)
		}
		files[header.Name] = string(text)
	}
}

func TestBuildMakesABundleOfTheLibrary(t *testing.T) {
	file := filepath.Join(t.TempDir(), "b.tar.gz")
	stdout, err := build(t, "../../policies", "-o", file, "-r", "v1.2")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(stdout, file+": revision v1.2, not signed, ") {
		t.Errorf("got %s", stdout)
	}
	packed, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	files := unpacked(t, packed)
	for name, has := range map[string]string{
		"/.manifest":                         `"revision":"v1.2"`,
		"/data.json":                         `{"parameters":{`,
		"/main/main.rego":                    "package main\n",
		"/validate/namespace/namespace.rego": "package validate.namespace\n",
	} {
		if !strings.Contains(files[name], has) {
			t.Errorf("%s: got %.200s, want %s", name, files[name], has)
		}
	}
	if test, ok := files["/main/main_test.rego"]; ok {
		t.Errorf("got a test: %.200s", test)
	}
}

func TestBuildSignsWithAKey(t *testing.T) {
	key := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(key, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	stdout, err := build(t, "../../policies", "-o", "-", "--signing-key", key, "--signing-alg", "HS256", "--signing-key-id", "release")
	if err != nil {
		t.Fatal(err)
	}
	files := unpacked(t, []byte(stdout))
	if signature := files["/.signatures.json"]; strings.Count(signature, ".") != 2 {
		t.Errorf("got %s, want one token", signature)
	}
	if hash := regexp.MustCompile(`"revision":"[0-9a-f]{12}"`); !hash.MatchString(files["/.manifest"]) {
		t.Errorf("got %s, want the hash of the rules", files["/.manifest"])
	}
}

func TestBuildWritesNothingThatWouldBeRefused(t *testing.T) {
	folder, empty := t.TempDir(), filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		args []string
		says string
	}{
		"a folder that is nowhere":      {[]string{"nowhere"}, "compiling nowhere: reading the rules: "},
		"a folder without rules":        {[]string{folder}, "there must be a rule in mutate/ or validate/, is none"},
		"no folder":                     {nil, "accepts 1 arg(s), received 0"},
		"a revision of prose":           {[]string{"../../policies", "-r", "last night"}, "building the bundle: .manifest: revision must be 1 to 100 letters"},
		"a key that is nowhere":         {[]string{"../../policies", "--signing-key", "nowhere"}, "reading --signing-key: open nowhere: "},
		"a key that is empty":           {[]string{"../../policies", "--signing-key", empty}, "--signing-key must be a file with a key, is empty"},
		"a key of another algorithm":    {[]string{"../../policies", "--signing-key", "policybuild.go"}, "building the bundle: signing: "},
		"a file that cannot be written": {[]string{"../../policies", "-o", folder}, "is a directory"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(folder, "b.tar.gz")
			_, err := build(t, append([]string{"-o", file}, test.args...)...)
			if err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("got %v, want %s", err, test.says)
			}
			if _, err := os.Stat(file); !os.IsNotExist(err) {
				t.Errorf("it wrote %s: %v", file, err)
			}
		})
	}
}
