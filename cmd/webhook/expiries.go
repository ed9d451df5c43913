package main

import (
	"crypto/tls"
	"crypto/x509"

	"github.com/prometheus/client_golang/prometheus"
)

// expiry is how the metric of a certificate's end is described.
var expiry = prometheus.NewDesc("portcullis_certificate_expiry_timestamp_seconds",
	"When the certificate that is served ends, and the CA of the webhook's own certificates.", []string{"certificate"}, nil)

// expiries tells when certificates end, as they are when somebody asks: they are replaced without a word to anybody.
type expiries struct {
	// serving is what servers ask for their certificate.
	serving func(*tls.ClientHelloInfo) (*tls.Certificate, error)
	// ca is the CA that signs, nil before it is known; there is no such function when the certificate comes from files.
	ca func() *x509.Certificate
}

// Describe names the metric.
func (*expiries) Describe(descriptions chan<- *prometheus.Desc) { descriptions <- expiry }

// Collect leaves out what is not there yet.
func (e *expiries) Collect(collected chan<- prometheus.Metric) {
	if certificate, err := e.serving(nil); err == nil {
		collect(collected, "serving", certificate.Leaf)
	}
	if e.ca != nil {
		collect(collected, "ca", e.ca())
	}
}

// collect tells of one certificate.
func collect(collected chan<- prometheus.Metric, name string, certificate *x509.Certificate) {
	if certificate != nil {
		collected <- prometheus.MustNewConstMetric(expiry, prometheus.GaugeValue, float64(certificate.NotAfter.Unix()), name)
	}
}
