package main

import (
	"errors"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

func TestThePageTellsEveryMetricByNameTypeAndLabels(t *testing.T) {
	out := &strings.Builder{}
	err := write(out, []binary{{"The thing", "Always.", func(registry prometheus.Registerer) error {
		return errors.Join(
			registry.Register(prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "c_seconds", Help: `Says "how long".`}, []string{"b", "a"})),
			registry.Register(prometheus.NewCounter(prometheus.CounterOpts{Name: "a_total", Help: "Counts {things}."})),
			registry.Register(prometheus.NewGauge(prometheus.GaugeOpts{Name: "b", Help: "Is."})),
		)
	}}})
	want := `
## The thing

Always.

| metric | type | labels | what it tells |
| --- | --- | --- | --- |
| ` + "`a_total`" + ` | counter |  | Counts {things}. |
| ` + "`b`" + ` | gauge |  | Is. |
| ` + "`c_seconds`" + ` | histogram | b, a | Says "how long". |
`
	if err != nil || !strings.HasSuffix(out.String(), want) {
		t.Errorf("got %v and\n%s", err, out)
	}
}

func TestThePageHasAllThatOurBinariesRegister(t *testing.T) {
	out := &strings.Builder{}
	if err := write(out, binaries()); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"portcullis_admission_decisions_total", "portcullis_rules_info", "portcullis_certificate_expiry_timestamp_seconds", "portcullis_bundle_info"} {
		if strings.Count(out.String(), "| `"+name+"` |") != 1 {
			t.Errorf("got no %s, or several, in\n%s", name, out)
		}
	}
}

func TestWhatCannotBeDescribedIsAnError(t *testing.T) {
	for says, register := range map[string]func(prometheus.Registerer) error{
		"there must be a metric, is none": func(prometheus.Registerer) error { return nil },
		"metric a must say what it tells, says nothing": func(registry prometheus.Registerer) error {
			return registry.Register(prometheus.NewGauge(prometheus.GaugeOpts{Name: "a"}))
		},
	} {
		if err := write(&strings.Builder{}, []binary{{"x", "y", register}}); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("got %v, want %s", err, says)
		}
	}
}
