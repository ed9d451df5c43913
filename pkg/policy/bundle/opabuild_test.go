package bundle

import (
	"bytes"
	"path/filepath"
	"testing"

	opabundle "github.com/open-policy-agent/opa/v1/bundle"
	"github.com/open-policy-agent/opa/v1/compile"
)

// What opa build runs makes a bundle that is taken, if the parameters lie where OPA looks for data.
func TestABundleByOPAsCompilerIsTaken(t *testing.T) {
	folder := t.TempDir()
	for name, file := range rules("refused by A") {
		if name == "parameters.yaml" {
			name = "parameters/data.yaml"
		}
		written(t, filepath.Join(folder, name), file.Data)
	}
	var out bytes.Buffer
	err := compile.New().
		WithPaths(folder).WithAsBundle(true).WithRevision("A").WithOutput(&out).
		WithBundleSigningConfig(opabundle.NewSigningConfig("secret", "HS256", "")).
		WithBundleVerificationKeyID("k").
		Build(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	server := serve(t)
	server.publish(out.Bytes())
	run := start(t, signed(server.URL), t.TempDir())
	run.expectRevision(t, "A")
}

func TestABundleByOPAsCompilerWithoutDataIsRefused(t *testing.T) {
	folder := t.TempDir()
	for name, file := range rules("refused by A") {
		written(t, filepath.Join(folder, name), file.Data)
	}
	var out bytes.Buffer
	err := compile.New().
		WithPaths(folder).WithAsBundle(true).WithRevision("A").WithOutput(&out).
		WithBundleSigningConfig(opabundle.NewSigningConfig("secret", "HS256", "")).
		Build(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	server := serve(t)
	server.publish(out.Bytes())
	run := start(t, signed(server.URL), t.TempDir())
	run.expectFailure(t, "put parameters.yaml into the bundle as parameters/data.yaml")
}
