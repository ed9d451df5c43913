package monitoring_test

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// ruleTest is what we read of promtool's file of unit tests.
type ruleTest struct {
	Tests []struct {
		Name  string `json:"name"`
		Exprs []struct {
			Expr    string `json:"expr"`
			Samples []any  `json:"exp_samples"`
		} `json:"promql_expr_test"`
	} `json:"tests"`
}

func TestEachAlertFiresWhenItMustAndOnlyThen(t *testing.T) {
	use, dir := provide(t), t.TempDir()
	file := use.alerts(t)
	write(t, dir, "rules.yaml", file)
	args := []string{"test", "rules"}
	for _, alert := range file.Groups[0].Rules {
		name := alert.Alert + ".yaml"
		text, err := os.ReadFile(filepath.Join("testdata", "rules", name))
		if err != nil {
			t.Errorf("%s: there must be a test of the alert: %v", alert.Alert, err)
			continue
		}
		expectBoth(t, alert.Alert, text)
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, name)
	}
	files, err := os.ReadDir(filepath.Join("testdata", "rules"))
	if err != nil || len(files) != len(args)-2 {
		t.Errorf("there are %d files of tests, want one for each of %d alerts (%v)", len(files), len(args)-2, err)
	}
	promtool := exec.CommandContext(t.Context(), use.promtool, args...)
	promtool.Dir = dir
	if out, err := promtool.CombinedOutput(); err != nil {
		t.Errorf("promtool: %v\n%s", err, out)
	}
}

// expectBoth holds the tests of an alert to be about it, in a case in which it fires and in one in which it never does.
func expectBoth(t *testing.T, alert string, text []byte) {
	t.Helper()
	file := ruleTest{}
	if err := yaml.Unmarshal(text, &file); err != nil {
		t.Fatalf("%s: %v", alert, err)
	}
	fires, quiet := 0, 0
	for _, test := range file.Tests {
		samples := 0
		for _, expr := range test.Exprs {
			samples += len(expr.Samples)
			if !strings.Contains(expr.Expr, `alertname="`+alert+`",alertstate="firing"`) {
				t.Errorf("%s: %q asks %s, want that the alert fires", alert, test.Name, expr.Expr)
			}
		}
		if samples > 0 {
			fires++
			continue
		}
		quiet++
	}
	if fires == 0 || quiet == 0 {
		t.Errorf("%s: fires in %d tests and is quiet in %d, want both", alert, fires, quiet)
	}
}

func TestEachAlertHasARunbookAndEachRunbookAnAlert(t *testing.T) {
	var want, got []string
	for _, alert := range provide(t).alerts(t, "--set", "alerts.runbookURL=https://example.com/runbooks/").Groups[0].Rules {
		want = append(want, alert.Alert+".md")
		if url := alert.Annotations["runbook_url"]; url != "https://example.com/runbooks/"+alert.Alert+".md" {
			t.Errorf("%s: leads to %s", alert.Alert, url)
		}
		for _, annotation := range []string{"summary", "description"} {
			if alert.Annotations[annotation] == "" {
				t.Errorf("%s: has no %s", alert.Alert, annotation)
			}
		}
	}
	pages, err := os.ReadDir(runbooks)
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range pages {
		got = append(got, page.Name())
		text, err := os.ReadFile(filepath.Join(runbooks, page.Name()))
		if err != nil {
			t.Fatal(err)
		}
		headings := regexp.MustCompile(`(?m)^#+ .*$`).FindAllString(string(text), -1)
		if head := []string{"# " + strings.TrimSuffix(page.Name(), ".md"), "## What it means", "## How to see it", "## What to do"}; !slices.Equal(headings, head) {
			t.Errorf("%s: has the headings %q, want %q", page.Name(), headings, head)
		}
	}
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("there are the pages\n%q, want\n%q", got, want)
	}
}

func TestValuesChangeAlertsAndTakeThemOut(t *testing.T) {
	use := provide(t)
	names := func(args ...string) map[string]rule {
		out := map[string]rule{}
		for _, alert := range use.alerts(t, args...).Groups[0].Rules {
			out[alert.Alert] = alert
		}
		return out
	}
	all := names()
	changed := names("--set-json", `alerts.rules={"PortcullisGuardSlow":{"enabled":false},"PortcullisClusterLost":{"for":"1s","severity":"page"},"PortcullisGatewayHeld":{"threshold":7.5}}`, "--set", `alerts.selector=cluster="x"`)
	if got := slices.Sorted(maps.Keys(changed)); len(got) != len(all)-1 || slices.Contains(got, "PortcullisGuardSlow") {
		t.Errorf("got the alerts %q", got)
	}
	if lost := changed["PortcullisClusterLost"]; lost.For != "1s" || lost.Labels["severity"] != "page" || lost.Expr != `min by (cluster) (portcullis_cluster_up{cluster="x"}) == 0` {
		t.Errorf("got %+v", lost)
	}
	if held := changed["PortcullisGatewayHeld"]; !strings.HasSuffix(held.Expr, "> 7.5") {
		t.Errorf("got %+v", held)
	}
	guard := names("--set", "mode=guard-only")
	for name := range all {
		_, there := guard[name]
		if ours := !strings.Contains(strings.Join([]string{"PortcullisGatewayHeld", "PortcullisClusterLost", "PortcullisAddressLost", "PortcullisControllerDown", "PortcullisControllerNotConverging", "PortcullisAuditFailing"}, " "), name); ours != there {
			t.Errorf("%s: is there with the guard alone is %t, want %t", name, there, ours)
		}
	}
}

func TestAnAlertThatThereIsNotIsRefused(t *testing.T) {
	use := provide(t)
	out, err := exec.CommandContext(t.Context(), use.helm, "template", "portcullis", chart, "--api-versions", "monitoring.coreos.com/v1/PrometheusRule",
		"--set", "alerts.enabled=true", "--set", "alerts.rules.PortcullisNoSuch.enabled=false").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "alerts.rules.PortcullisNoSuch must be one of PortcullisAddressLost, ") {
		t.Errorf("got %v\n%s", err, out)
	}
}
