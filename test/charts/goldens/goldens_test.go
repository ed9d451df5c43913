// Package goldens holds what the chart renders to: testdata/x.in.yaml are values, and x.out.yaml is what helm makes of them.
package goldens

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write testdata/*.out.yaml anew")

// chart is where the chart is.
const chart = "../../../charts/portcullis"

// built is helm, of the version that the project pins.
func built(t *testing.T) string {
	t.Helper()
	helm := filepath.Join(t.TempDir(), "helm")
	build := exec.Command("go", "build", "-o", helm, "helm.sh/helm/v4/cmd/helm")
	build.Dir = filepath.Join("..", "..", "..", "tools", "helm")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building helm: %v\n%s", err, out)
	}
	return helm
}

// rendered is what helm makes of values, on a cluster that has cert-manager and Prometheus' operator too.
func rendered(t *testing.T, helm, values string, args ...string) ([]byte, error) {
	t.Helper()
	args = append([]string{"template", "portcullis", chart, "--namespace", "portcullis", "--values", values,
		"--kube-version", "1.36.3", "--api-versions", "cert-manager.io/v1/Certificate", "--api-versions", "monitoring.coreos.com/v1/PodMonitor"}, args...)
	out, err := exec.CommandContext(t.Context(), helm, args...).CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("helm %s: %w\n%s", args[0], err, out)
	}
	return withoutSchemas(out), nil
}

// withoutSchemas leaves of a CustomResourceDefinition what the chart adds to it: the rest is a file beside the chart.
func withoutSchemas(manifest []byte) []byte {
	var out [][]byte
	for _, document := range bytes.SplitAfter(manifest, []byte("\n---\n")) {
		if head, _, ok := bytes.Cut(document, []byte("\nspec:\n  group: ")); ok && bytes.Contains(head, []byte("\nkind: CustomResourceDefinition\n")) {
			document = bytes.Join([][]byte{head, []byte("\n---\n")}, nil)
		}
		out = append(out, document)
	}
	return bytes.Join(out, nil)
}

func TestTheChartRendersToItsGoldens(t *testing.T) {
	helm := built(t)
	inputs, err := filepath.Glob("testdata/*.in.yaml")
	if err != nil || len(inputs) < 6 {
		t.Fatalf("got %d inputs and %v", len(inputs), err)
	}
	for _, input := range inputs {
		name := strings.TrimSuffix(filepath.Base(input), ".in.yaml")
		t.Run(name, func(t *testing.T) {
			got, err := rendered(t, helm, input)
			if err != nil {
				t.Fatal(err)
			}
			path := filepath.Join("testdata", name+".out.yaml")
			if *update {
				if err := os.WriteFile(path, got, 0o600); err != nil {
					t.Fatal(err)
				}
				return
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("%s differs (go test ./test/charts/goldens -update, and review the diff), first at %s", path, firstDifference(got, want))
			}
		})
	}
}

// firstDifference shows the first line that differs.
func firstDifference(got, want []byte) string {
	gotLines, wantLines := strings.Split(string(got), "\n"), strings.Split(string(want), "\n")
	for i := range min(len(gotLines), len(wantLines)) {
		if gotLines[i] != wantLines[i] {
			return "got " + gotLines[i] + ", want " + wantLines[i]
		}
	}
	return "the end: one is longer"
}

func TestTheLinterOfHelmHasNothingToSay(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), built(t), "lint", chart).CombinedOutput()
	if err != nil || strings.Contains(string(out), "[WARNING]") {
		t.Errorf("helm lint: %v\n%s", err, out)
	}
}
