package main

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
)

// describing is a registry that asks metrics what they are, and nothing else: many have no values before something
// happens, and would not be among what a registry gathers.
type describing struct{ metrics []metric }

// metric is what one says of itself.
type metric struct{ name, kind, labels, help string }

// Register asks a collector.
func (d *describing) Register(collector prometheus.Collector) error {
	descs := make(chan *prometheus.Desc)
	go func() {
		collector.Describe(descs)
		close(descs)
	}()
	var failure error
	for desc := range descs {
		described, err := describe(desc)
		if err != nil {
			failure = err
			continue
		}
		described.kind = kind(collector, described.name)
		d.metrics = append(d.metrics, described)
	}
	return failure
}

// MustRegister is there for the interface; nothing of ours registers so.
func (d *describing) MustRegister(collectors ...prometheus.Collector) {
	for _, collector := range collectors {
		_ = d.Register(collector)
	}
}

// Unregister does nothing.
func (*describing) Unregister(prometheus.Collector) bool { return false }

// shape is how a Desc writes itself, which is the only way it tells what it holds.
var shape = regexp.MustCompile(`^Desc\{fqName: ("(?:[^"\\]|\\.)*"), help: ("(?:[^"\\]|\\.)*"), (?:unit: "[^"]*", )?constLabels: \{.*\}, variableLabels: \{(.*)\}\}$`)

// describe reads a Desc.
func describe(desc *prometheus.Desc) (metric, error) {
	parts := shape.FindStringSubmatch(desc.String())
	if parts == nil {
		return metric{}, fmt.Errorf("desc must be as prometheus.Desc writes itself, is %s", desc)
	}
	name, err := strconv.Unquote(parts[1])
	if err != nil {
		return metric{}, err
	}
	help, err := strconv.Unquote(parts[2])
	if err != nil {
		return metric{}, err
	}
	if help == "" {
		return metric{}, fmt.Errorf("metric %s must say what it tells, says nothing", name)
	}
	labels := strings.FieldsFunc(parts[3], func(r rune) bool { return r == ',' })
	return metric{name: name, help: help, labels: strings.Join(labels, ", ")}, nil
}

// kind is the type of a metric. For collectors of our own the name tells it, which promtool holds to the type.
func kind(collector prometheus.Collector, name string) string {
	switch collector.(type) {
	case *prometheus.HistogramVec, prometheus.Histogram:
		return "histogram"
	}
	if strings.HasSuffix(name, "_total") {
		return "counter"
	}
	return "gauge"
}

// table lists the metrics by name.
func (d *describing) table() (string, error) {
	if len(d.metrics) == 0 {
		return "", fmt.Errorf("there must be a metric, is none")
	}
	slices.SortFunc(d.metrics, func(a, b metric) int { return strings.Compare(a.name, b.name) })
	out := &strings.Builder{}
	out.WriteString("| metric | type | labels | what it tells |\n| --- | --- | --- | --- |\n")
	for _, m := range d.metrics {
		fmt.Fprintf(out, "| `%s` | %s | %s | %s |\n", m.name, m.kind, m.labels, m.help)
	}
	return out.String(), nil
}
