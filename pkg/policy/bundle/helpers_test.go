package bundle

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"
)

// rules are a small library: one rule, whose sentence is given.
func rules(sentence string) fstest.MapFS {
	return fstest.MapFS{
		"main/main.rego": {Data: []byte(`# METADATA
# title: Main
# description: Asks the rules.
package main

mutate := {"fill": set(), "ensure": set()}

validate := {"deny": data.validate.name.deny, "warn": set()}
`)},
		"validate/name/name.rego": {Data: []byte(`# METADATA
# title: Name
# description: Refuses a name.
package validate.name

deny contains {"code": "name", "field": "metadata.name", "message": "` + sentence + `", "fix": ""} if {
	input.gateway.metadata.name == data.parameters.name.refused
}
`)},
		"validate/name/name_test.rego": {Data: []byte("package validate.name_test\n\ntest_nothing if true\n")},
		"parameters.yaml":              {Data: []byte("name: {refused: edge}\n")},
	}
}

// built is a bundle of these rules.
func built(t *testing.T, from fs.FS, opts BuildOptions) []byte {
	t.Helper()
	out := &bytes.Buffer{}
	if err := Build(out, from, opts); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// good is a bundle that says its revision when it refuses.
func good(t *testing.T, revision string) []byte {
	t.Helper()
	return built(t, rules("refused by "+revision), BuildOptions{Revision: revision, SigningKey: "secret", Algorithm: "HS256"})
}

// unpacked are the files of a bundle.
func unpacked(t *testing.T, bundle []byte) map[string]string {
	t.Helper()
	packed, err := gzip.NewReader(bytes.NewReader(bundle))
	if err != nil {
		t.Fatal(err)
	}
	files, reader := map[string]string{}, tar.NewReader(packed)
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

// packed is a bundle of these files, whatever they are.
func packed(t *testing.T, files map[string]string) []byte {
	t.Helper()
	out := &bytes.Buffer{}
	zip := gzip.NewWriter(out)
	writer := tar.NewWriter(zip)
	for name, text := range files {
		if err := writer.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: int64(len(text))}); err != nil {
			t.Fatal(err)
		}
		if _, err := writer.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(writer.Close(), zip.Close()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// changed is a bundle with one file put in, replaced or, when it is empty, removed.
func changed(t *testing.T, bundle []byte, name, text string) []byte {
	t.Helper()
	files := unpacked(t, bundle)
	if files[name] = text; text == "" {
		delete(files, name)
	}
	return packed(t, files)
}

// keptIn is the file that a bundle is kept in.
func keptIn(directory string) string {
	return filepath.Join(directory, "bundles", "portcullis", "bundle.tar.gz")
}

// written writes a file.
func written(t *testing.T, name string, text []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, text, 0o600); err != nil {
		t.Fatal(err)
	}
}
