package main

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"sync"
	"time"

	servertls "github.com/cert-manager/cert-manager/pkg/server/tls"
	"github.com/cert-manager/cert-manager/pkg/server/tls/authority"
)

// caName is the common name of our own CAs, by which they are told from whatever else a bundle holds.
const caName = "portcullis-webhook-ca"

// heard is how long after a configuration is written every API server is taken to know of it. They watch it, and mostly
// know within a tenth of a second.
const heard = 5 * time.Second

// shortestLife is the shortest that a certificate of ours may last. In the third of it that is left when the CA is renewed
// every API server has heard of the new one.
const shortestLife = 6 * heard

// bundled is the CA that signs now, and with it those of ours in a bundle that still hold: a replica may serve a
// certificate of the CA before until it has got one of the new.
func bundled(present, current []byte, now time.Time) []byte {
	out := bytes.Clone(current)
	for _, before := range certificatesIn(present) {
		if before.Subject.CommonName != caName || !now.Before(before.NotAfter) || hasCertificate(current, before) {
			continue
		}
		if len(out) > 0 && out[len(out)-1] != '\n' {
			out = append(out, '\n')
		}
		out = append(out, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: before.Raw})...)
	}
	return out
}

// certificatesIn are the certificates of a bundle. What is none is skipped: it is nothing that anybody could trust.
func certificatesIn(bundle []byte) []*x509.Certificate {
	var out []*x509.Certificate
	for block, rest := pem.Decode(bundle); block != nil; block, rest = pem.Decode(rest) {
		if certificate, err := x509.ParseCertificate(block.Bytes); err == nil {
			out = append(out, certificate)
		}
	}
	return out
}

// hasCertificate says whether a bundle holds a certificate.
func hasCertificate(bundle []byte, certificate *x509.Certificate) bool {
	for _, other := range certificatesIn(bundle) {
		if other.Equal(certificate) {
			return true
		}
	}
	return false
}

// announced is an authority whose certificates are taken into use only when API servers trust their CA: a new CA is in the
// bundle first, and only then on the wire. Until then the certificate before goes on being served.
type announced struct {
	servertls.Authority
	// announcedFor says for how long the bundle has held the CA that signed a certificate; zero when it does not.
	announcedFor func(signed *x509.Certificate) time.Duration

	mu sync.Mutex
	// last was signed last; nil before the first.
	last *x509.Certificate
}

// Sign signs, or says that there is no certificate yet; then it is asked again.
func (a *announced) Sign(template *x509.Certificate) (*x509.Certificate, error) {
	signed, err := a.Authority.Sign(template)
	if err != nil {
		return nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	// The first one replaces nothing, and readiness waits for its CA to be written.
	replaces := a.last != nil && !bytes.Equal(a.last.AuthorityKeyId, signed.AuthorityKeyId)
	if replaces && a.announcedFor(signed) < heard {
		return nil, authority.ErrCertificateNotAvailable
	}
	a.last = signed
	return signed, nil
}
