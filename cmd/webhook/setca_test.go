package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"testing"
	"time"

	"github.com/cert-manager/cert-manager/pkg/server/tls/authority"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
)

// noon is now, in these tests.
var noon = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

// issuing is a CA.
type issuing struct {
	key         *ecdsa.PrivateKey
	certificate *x509.Certificate
}

// newCA makes a CA of a name that holds for some time from noon.
func newCA(t *testing.T, name string, holds time.Duration) issuing {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: noon.Add(-24 * time.Hour), NotAfter: noon.Add(holds), KeyUsage: x509.KeyUsageCertSign,
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(raw)
	if err != nil {
		t.Fatal(err)
	}
	return issuing{key, certificate}
}

// pem is the CA as a bundle holds it.
func (i issuing) pem() string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: i.certificate.Raw}))
}

// signed is a certificate of the CA.
func (i issuing) signed(t *testing.T) *x509.Certificate {
	t.Helper()
	raw, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{SerialNumber: big.NewInt(2)}, i.certificate, i.key.Public(), i.key)
	if err != nil {
		t.Fatal(err)
	}
	out, err := x509.ParseCertificate(raw)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestSetCAKeepsWhatReplicasMayStillServe(t *testing.T) {
	first, second := newCA(t, caName, time.Hour), newCA(t, caName, time.Hour)
	expired, theirs := newCA(t, caName, 0), newCA(t, "somebody else's", time.Hour)
	tests := map[string]struct{ before, ca, want string }{
		"none becomes ours":                     {"", first.pem(), first.pem()},
		"what is none becomes ours":             {"placeholder", first.pem(), first.pem()},
		"another's becomes ours":                {theirs.pem(), first.pem(), first.pem()},
		"ours stays":                            {first.pem(), first.pem(), first.pem()},
		"a new one comes before the last":       {first.pem(), second.pem(), second.pem() + first.pem()},
		"both stay":                             {second.pem() + first.pem(), second.pem(), second.pem() + first.pem()},
		"one that has expired goes":             {first.pem() + expired.pem(), first.pem(), first.pem()},
		"lines stay lines without a last break": {first.pem(), second.pem()[:len(second.pem())-1], second.pem() + first.pem()},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			config := admissionregistrationv1.WebhookClientConfig{CABundle: []byte(test.before)}
			if got, want := setCA(&config, []byte(test.ca), noon), test.before != test.want; got != want {
				t.Errorf("got changed %v, want %v", got, want)
			}
			if string(config.CABundle) != test.want {
				t.Errorf("got %q, want %q", config.CABundle, test.want)
			}
		})
	}
}

// signing is an authority that signs with a CA.
type signing struct {
	*authority.DynamicAuthority
	ca *issuing
	t  *testing.T
}

func (s signing) Sign(*x509.Certificate) (*x509.Certificate, error) {
	if s.ca == nil {
		return nil, errors.New("no CA")
	}
	return s.ca.signed(s.t), nil
}

func TestACertificateIsServedWhenItsCAIsKnown(t *testing.T) {
	first, second := newCA(t, caName, time.Hour), newCA(t, caName, time.Hour)
	writer := &caBundle{since: map[string]time.Time{}}
	at := noon
	writer.now = func() time.Time { return at }
	source := &signing{ca: &first, t: t}
	authorized := &announced{Authority: source, announcedFor: writer.heldFor}
	sign := func(step string, want error) {
		t.Helper()
		if _, err := authorized.Sign(nil); !errors.Is(err, want) {
			t.Errorf("%s: got %v, want %v", step, err, want)
		}
	}
	sign("the first, which replaces none", nil)
	sign("another of the same CA", nil)
	*source.ca = second
	sign("one of a new CA", authority.ErrCertificateNotAvailable)
	writer.note([]byte(second.pem()))
	if current := writer.current.Load(); current == nil || !bytes.Equal(current.Raw, second.certificate.Raw) {
		t.Errorf("got %v as the CA that signs, want the second", current)
	}
	at = at.Add(heard - time.Second)
	sign("one that was just written", authority.ErrCertificateNotAvailable)
	writer.note([]byte(second.pem()))
	at = at.Add(time.Second)
	sign("one that everybody knows", nil)
	source.ca = nil
	if _, err := authorized.Sign(nil); err == nil || err.Error() != "no CA" {
		t.Errorf("got %v, want the authority's own error", err)
	}
}
