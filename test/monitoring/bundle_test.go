package monitoring_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"

	. "github.com/onsi/gomega"

	"portcullis.dev/portcullis/pkg/policy/bundle"
	"portcullis.dev/portcullis/policies"
)

// bundleServer serves our own rules as a signed bundle, until it is corrupt.
type bundleServer struct {
	corrupt atomic.Bool
	packed  []byte
	// config is the guard's file that trusts it.
	config string
}

// ServeHTTP answers as a bundle server does.
func (b *bundleServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("ETag", `"1"`)
	switch {
	case b.corrupt.Load():
		w.Header().Set("ETag", `"2"`)
		_, _ = w.Write(b.packed[:len(b.packed)/2])
	case r.Header.Get("If-None-Match") == `"1"`:
		w.WriteHeader(http.StatusNotModified)
	default:
		_, _ = w.Write(b.packed)
	}
}

// serveBundles serves until the end of the test.
func serveBundles(s *stack) *bundleServer {
	s.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	s.Expect(err).NotTo(HaveOccurred())
	private, err := x509.MarshalPKCS8PrivateKey(key)
	s.Expect(err).NotTo(HaveOccurred())
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	s.Expect(err).NotTo(HaveOccurred())
	out := &bytes.Buffer{}
	s.Expect(bundle.Build(out, policies.FS, bundle.BuildOptions{
		Revision: "good", Algorithm: "ES256", SigningKey: string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})),
	})).To(Succeed())
	b := &bundleServer{packed: out.Bytes(), config: filepath.Join(s.t.TempDir(), "bundles.yaml")}
	server := httptest.NewServer(b)
	s.t.Cleanup(server.Close)
	text := asJSON(s, map[string]any{
		"services": map[string]any{"rules": map[string]any{"url": server.URL}},
		"keys": map[string]any{"release": map[string]any{
			"algorithm": "ES256", "key": string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})),
		}},
		"bundles": map[string]any{"portcullis": map[string]any{
			"service": "rules", "resource": "bundle.tar.gz", "signing": map[string]any{"keyid": "release"},
			"polling": map[string]any{"min_delay_seconds": 0, "max_delay_seconds": 1},
		}},
	})
	s.Expect(os.WriteFile(b.config, []byte(text), 0o600)).To(Succeed())
	return b
}

// asJSON is a value as JSON.
func asJSON(s *stack, value any) string {
	s.t.Helper()
	text, err := json.Marshal(value)
	s.Expect(err).NotTo(HaveOccurred())
	return string(text)
}
