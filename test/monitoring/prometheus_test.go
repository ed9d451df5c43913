package monitoring_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"time"

	. "github.com/onsi/gomega"
)

// prometheus is a real one that scrapes a stack.
type prometheus struct {
	*stack
	address string
}

// sample is one series of a result, now.
type sample struct {
	Metric map[string]string
	Value  [2]any
}

// startPrometheus scrapes a stack and its API server every second, and raises alerts, until the end of the test.
func startPrometheus(s *stack, use tools, alerts ruleFile) prometheus {
	s.t.Helper()
	dir := s.t.TempDir()
	config := s.home.Config
	s.Expect(os.WriteFile(filepath.Join(dir, "client.crt"), config.CertData, 0o600)).To(Succeed())
	s.Expect(os.WriteFile(filepath.Join(dir, "client.key"), config.KeyData, 0o600)).To(Succeed())
	address, err := url.Parse(config.Host)
	s.Expect(err).NotTo(HaveOccurred())
	// The labels that Prometheus' operator gives to what a PodMonitor finds.
	job := func(name, at string) map[string]any {
		return map[string]any{"job_name": name, "static_configs": []any{map[string]any{
			"targets": []string{at}, "labels": map[string]string{"job": "portcullis/portcullis", "namespace": "portcullis", "pod": name + "-0"},
		}}}
	}
	write(s.t, dir, "alerts.yaml", alerts)
	file := write(s.t, dir, "prometheus.yaml", map[string]any{
		"global":     map[string]any{"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
		"rule_files": []string{"alerts.yaml"},
		"scrape_configs": []any{job("webhook", s.webhookMetrics), job("controller", s.controllerMetrics), map[string]any{
			"job_name": "apiserver", "scheme": "https", "static_configs": []any{map[string]any{"targets": []string{address.Host}}},
			"tls_config": map[string]any{"cert_file": "client.crt", "key_file": "client.key", "insecure_skip_verify": true},
		}},
	})
	p := prometheus{stack: s, address: "127.0.0.1:" + s.freePort()}
	s.Expect(s.home.Run(use.prometheus, "--config.file", file, "--storage.tsdb.path", filepath.Join(dir, "data"), "--web.listen-address", p.address)).To(Succeed())
	s.Eventually(func() ([]sample, error) { return p.query("up == 1") }).WithTimeout(time.Minute).Should(HaveLen(3))
	return p
}

// query asks for what an expression is now.
func (p prometheus) query(expr string) ([]sample, error) {
	var answer struct{ Result []sample }
	err := p.ask("query?query="+url.QueryEscape(expr), &answer)
	return answer.Result, err
}

// firing are the names of the alerts that fire, each with its annotations.
func (p prometheus) firing() (map[string]map[string]string, error) {
	var answer struct {
		Alerts []struct {
			Labels, Annotations map[string]string
			State               string
		}
	}
	out := map[string]map[string]string{}
	err := p.ask("alerts", &answer)
	for _, alert := range answer.Alerts {
		if alert.State == "firing" {
			out[alert.Labels["alertname"]] = alert.Annotations
		}
	}
	return out, err
}

// ask asks the API.
func (p prometheus) ask(what string, data any) error {
	response, err := http.Get("http://" + p.address + "/api/v1/" + what)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	answer := struct {
		Status, Error string
		Data          any
	}{Data: data}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return err
	}
	if answer.Status != "success" {
		return fmt.Errorf("prometheus: %s", answer.Error)
	}
	return nil
}

// value is the number of a sample.
func (s sample) value() float64 {
	text, ok := s.Value[1].(string)
	if !ok {
		return 0
	}
	value, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return 0
	}
	return value
}

// shows says what of a query's expectations is not in its result.
func (p prometheus) shows(expr string, wants []string) error {
	samples, err := p.query(chosen(expr))
	if err != nil {
		return err
	}
	for _, text := range wants {
		want, err := readShown(text)
		if err != nil {
			return err
		}
		if !anyIs(samples, want) {
			return fmt.Errorf("%s: must show %s, shows %v", expr, text, samples)
		}
	}
	return nil
}

// anyIs says whether one of several samples is what is expected.
func anyIs(samples []sample, want expected) bool {
	for _, sample := range samples {
		if want.in(sample.Metric, sample.value()) {
			return true
		}
	}
	return false
}
