// Package monitoring_test holds the alerts, their runbooks and the dashboard to what promtool and a real Prometheus make
// of them.
package monitoring_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"portcullis.dev/portcullis/test/env"
)

// Where things are, as seen from here.
const (
	chart    = "../../charts/portcullis"
	runbooks = "../../docs/runbooks"
)

// tools are the programs that tests run, in a directory of their own.
type tools struct{ helm, promtool, prometheus string }

// provide builds what is not there yet.
func provide(t testing.TB) tools {
	t.Helper()
	dir, err := env.Monitoring(t.Context(), os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	// Go keeps the linked program, so that it is built once for all tests.
	build := exec.CommandContext(t.Context(), "go", "tool", "-n", "helm")
	build.Dir = "../../tools/helm"
	helm, err := build.Output()
	if err != nil {
		t.Fatalf("building helm: %v\n%s", err, said(err))
	}
	return tools{helm: strings.TrimSpace(string(helm)), promtool: filepath.Join(dir, "promtool"), prometheus: filepath.Join(dir, "prometheus")}
}

// render is one template of the chart, as Helm makes an object of it.
func (o tools) render(t testing.TB, template string, into any, args ...string) {
	t.Helper()
	all := append([]string{
		"template", "portcullis", chart, "--namespace", "portcullis", "--show-only", "templates/" + template,
		"--api-versions", "monitoring.coreos.com/v1/PrometheusRule", "--set", "alerts.enabled=true", "--set", "dashboard.enabled=true",
	}, args...)
	out, err := exec.CommandContext(t.Context(), o.helm, all...).Output()
	if err != nil {
		t.Fatalf("rendering %s: %v\n%s", template, err, said(err))
	}
	if err := yaml.UnmarshalStrict(out, into); err != nil {
		t.Fatalf("reading %s: %v", template, err)
	}
}

// said is what a program said of its failure.
func said(err error) string {
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return strings.TrimSpace(string(exit.Stderr))
	}
	return ""
}

// prometheusRule is what of Prometheus' operator's kind Prometheus itself reads.
type prometheusRule struct {
	APIVersion string         `json:"apiVersion"`
	Kind       string         `json:"kind"`
	Metadata   map[string]any `json:"metadata"`
	Spec       ruleFile       `json:"spec"`
}

// ruleFile is a file of rules as Prometheus reads it.
type ruleFile struct {
	Groups []struct {
		Name  string `json:"name"`
		Rules []rule `json:"rules"`
	} `json:"groups"`
}

// rule is one alert.
type rule struct {
	Alert       string            `json:"alert"`
	Expr        string            `json:"expr"`
	For         string            `json:"for"`
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
}

// alerts are the alerts of an installation.
func (o tools) alerts(t testing.TB, args ...string) ruleFile {
	t.Helper()
	object := prometheusRule{}
	o.render(t, "prometheusrule.yaml", &object, args...)
	if len(object.Spec.Groups) != 1 {
		t.Fatalf("got %d groups of alerts, want 1", len(object.Spec.Groups))
	}
	return object.Spec
}

// write writes a value as YAML into a file of a directory.
func write(t testing.TB, dir, name string, value any) string {
	t.Helper()
	text, err := yaml.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
