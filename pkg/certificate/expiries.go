// Package certificate tells when the webhook's certificates end.
package certificate

import (
	"crypto/tls"
	"crypto/x509"

	"github.com/prometheus/client_golang/prometheus"
)

// expiry is how the metric of a certificate's end is described.
var expiry = prometheus.NewDesc("portcullis_certificate_expiry_timestamp_seconds",
	"When the certificate that is served ends, and the CA of the webhook's own certificates.", []string{"certificate"}, nil)

// Expiries tells when certificates end, as they are when somebody asks: they are replaced without a word to anybody.
type Expiries struct {
	// Serving is what servers ask for their certificate.
	Serving func(*tls.ClientHelloInfo) (*tls.Certificate, error)
	// CA is the CA that signs, nil before it is known; there is no such function when the certificate comes from files.
	CA func() *x509.Certificate
}

// Describe names the metric.
func (*Expiries) Describe(descriptions chan<- *prometheus.Desc) { descriptions <- expiry }

// Collect leaves out what is not there yet.
func (e *Expiries) Collect(collected chan<- prometheus.Metric) {
	if certificate, err := e.Serving(nil); err == nil {
		collect(collected, "serving", certificate.Leaf)
	}
	if e.CA != nil {
		collect(collected, "ca", e.CA())
	}
}

// collect tells of one certificate.
func collect(collected chan<- prometheus.Metric, name string, certificate *x509.Certificate) {
	if certificate != nil {
		collected <- prometheus.MustNewConstMetric(expiry, prometheus.GaugeValue, float64(certificate.NotAfter.Unix()), name)
	}
}
