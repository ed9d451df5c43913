package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/cli-runtime/pkg/genericiooptions"

	"portcullis.dev/portcullis/pkg/policy"
)

// outcome is all that a pipeline sees of one run.
type outcome struct {
	status      int
	out, errOut string
}

// portcullis runs the plugin as a shell would, with what lies on standard input.
func portcullis(t *testing.T, stdin string, args ...string) outcome {
	t.Helper()
	var out, errOut bytes.Buffer
	streams := genericiooptions.IOStreams{In: strings.NewReader(stdin), Out: &out, ErrOut: &errOut}
	command := newCommand(streams)
	command.SetArgs(args)
	status := exitStatus(streams, command.ExecuteContext(t.Context()))
	return outcome{status: status, out: out.String(), errOut: errOut.String()}
}

// reviewed runs review, with nothing on standard input.
func reviewed(t *testing.T, args ...string) outcome {
	t.Helper()
	return portcullis(t, "", append([]string{"review"}, args...)...)
}

// file writes a file and returns its path.
func file(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "objects.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// edgeWith is an IstioGateway named edge with a spec in YAML.
func edgeWith(spec string) string {
	return "apiVersion: istio.alibabacloud.com/v1beta1\nkind: IstioGateway\nmetadata: {name: edge, namespace: istio-system}\nspec: " + spec + "\n"
}

// named is a gateway by another name.
func named(name, gateway string) string {
	return strings.Replace(gateway, "name: edge", "name: "+name, 1)
}

// clusters registers clusters of a name each, with a current mesh.
func clusters(names ...string) string {
	var documents []string
	for _, name := range names {
		documents = append(documents, "apiVersion: portcullis.dev/v1alpha1\nkind: GatewayCluster\nmetadata: {name: "+name+"}\nspec: {local: true, mesh: {version: 1.26.0}}\n")
	}
	return strings.Join(documents, "---\n")
}

// decoded reads the JSON that a run printed.
func decoded[T any](t *testing.T, got outcome) T {
	t.Helper()
	var value T
	if err := json.Unmarshal([]byte(got.out), &value); err != nil {
		t.Fatalf("reading the output as JSON: %v\n%s%s", err, got.out, got.errOut)
	}
	return value
}

// expect compares all that a pipeline sees.
func expect(t *testing.T, got outcome, status int, out, errOut string) {
	t.Helper()
	if got.status != status {
		t.Errorf("got exit status %d, want %d", got.status, status)
	}
	if got.out != out {
		t.Errorf("got output\n%swant\n%s", got.out, out)
	}
	if got.errOut != errOut {
		t.Errorf("got on standard error\n%swant\n%s", got.errOut, errOut)
	}
}

// finding is what a rule might say of a field.
func finding(code, field string) policy.Finding {
	return policy.Finding{Code: code, Field: field, Message: "must not, does"}
}
