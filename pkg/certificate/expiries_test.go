package certificate

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"maps"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

func TestTheEndOfEachCertificateIsTold(t *testing.T) {
	serving := func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
		return &tls.Certificate{Leaf: &x509.Certificate{NotAfter: time.Unix(100, 0)}}, nil
	}
	for name, test := range map[string]struct {
		expiries *Expiries
		want     map[string]float64
	}{
		"of our own": {
			&Expiries{Serving: serving, CA: func() *x509.Certificate { return &x509.Certificate{NotAfter: time.Unix(300, 0)} }},
			map[string]float64{"serving": 100, "ca": 300},
		},
		"from files": {&Expiries{Serving: serving}, map[string]float64{"serving": 100}},
		"before there are any": {&Expiries{
			Serving: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return nil, errors.New("not yet") },
			CA:      func() *x509.Certificate { return nil },
		}, map[string]float64{}},
	} {
		if got := ends(t, test.expiries); !maps.Equal(got, test.want) {
			t.Errorf("%s: got %v, want %v", name, got, test.want)
		}
	}
}

// ends are the values of the metric, by certificate.
func ends(t *testing.T, collector prometheus.Collector) map[string]float64 {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	if err := registry.Register(collector); err != nil {
		t.Fatal(err)
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]float64{}
	for _, family := range families {
		if family.GetName() != "portcullis_certificate_expiry_timestamp_seconds" {
			t.Errorf("got metric %s", family.GetName())
		}
		for _, metric := range family.GetMetric() {
			out[metric.GetLabel()[0].GetValue()] = metric.GetGauge().GetValue()
		}
	}
	return out
}
