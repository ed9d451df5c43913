package bundle

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"slices"
	"strings"
	"testing"

	opabundle "github.com/open-policy-agent/opa/v1/bundle"
)

// sign packs files, whatever they are, with a true signature by the secret.
func sign(t *testing.T, files map[string]string) []byte {
	t.Helper()
	var infos []opabundle.FileInfo
	for name, text := range files {
		var content any = []byte(text)
		if opabundle.IsStructuredDoc(name) {
			if err := json.Unmarshal([]byte(text), &content); err != nil {
				t.Fatal(err)
			}
		}
		hasher, err := opabundle.NewSignatureHasher(opabundle.SHA256)
		if err != nil {
			t.Fatal(err)
		}
		hash, err := hasher.HashFile(content)
		if err != nil {
			t.Fatal(err)
		}
		infos = append(infos, opabundle.NewFile(strings.TrimPrefix(name, "/"), hex.EncodeToString(hash), "SHA-256"))
	}
	token, err := opabundle.GenerateSignedToken(infos, opabundle.NewSigningConfig("secret", "HS256", ""), "k")
	if err != nil {
		t.Fatal(err)
	}
	signature, err := json.Marshal(opabundle.SignaturesConfig{Signatures: []string{token}})
	if err != nil {
		t.Fatal(err)
	}
	files["/.signatures.json"] = string(signature)
	return packed(t, files)
}

// pair is a private key and its public one.
type pair struct{ private, public string }

// pairOf writes keys in PEM.
func pairOf(t *testing.T, private, public any) pair {
	t.Helper()
	privateDER, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	publicDER, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	return pair{
		private: string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: privateDER})),
		public:  string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: publicDER})),
	}
}

// newRSA makes a pair for RS256.
func newRSA(t *testing.T) pair {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return pairOf(t, key, key.Public())
}

// newEC makes a pair for ES256.
func newEC(t *testing.T) pair {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return pairOf(t, key, key.Public())
}

// verifying is a configuration for bundles that a key verifies.
func verifying(t *testing.T, url, algorithm, key string) string {
	t.Helper()
	text, err := json.Marshal(map[string]any{
		"services": map[string]any{"rules": map[string]any{"url": url}},
		"keys":     map[string]any{"k": map[string]any{"key": key, "algorithm": algorithm}},
		"bundles": map[string]any{"portcullis": map[string]any{
			"service": "rules", "resource": "b.tar.gz", "signing": map[string]any{"keyid": "k"},
			"polling": map[string]any{"min_delay_seconds": 0, "max_delay_seconds": 1},
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestSignatures(t *testing.T) {
	rsaKeys, ecKeys := newRSA(t), newEC(t)
	tests := map[string]struct {
		algorithm            string
		signs, verifies, not string
	}{
		"of RSA keys":       {"RS256", rsaKeys.private, rsaKeys.public, newRSA(t).private},
		"of elliptic keys":  {"ES256", ecKeys.private, ecKeys.public, newEC(t).private},
		"of shared secrets": {"HS256", "secret", "secret", "another"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := serve(t)
			run := start(t, verifying(t, server.URL, test.algorithm, test.verifies), t.TempDir())
			by := func(key, revision string) []byte {
				return built(t, rules("refused by "+revision), BuildOptions{Revision: revision, SigningKey: key, Algorithm: test.algorithm})
			}
			server.publish(by(test.not, "wrong"))
			run.expectFailure(t, "failed to verify JWT signature")
			server.publish(by(test.signs, "A"))
			run.expectRevision(t, "A")

			server.publish(built(t, rules("refused by unsigned"), BuildOptions{Revision: "unsigned"}))
			run.expectFailure(t, "bundle missing .signatures.json file")
			server.publish(changed(t, by(test.signs, "B"), "/main/main.rego", "package main\n"))
			run.expectFailure(t, "main/main.rego: digest mismatch")
			server.publish(changed(t, by(test.signs, "B"), "/.manifest", `{"revision": "D", "rego_version": 1, "roots": [""]}`))
			run.expectFailure(t, ".manifest: digest mismatch")
			server.publish(changed(t, by(test.signs, "B"), "/data.json", `{"parameters": {}}`))
			run.expectFailure(t, "data.json: digest mismatch")
			server.publish(changed(t, by(test.signs, "B"), "/validate/more/more.rego", "package validate.more\n"))
			run.expectFailure(t, "file validate/more/more.rego not included in bundle signature")
			server.publish(changed(t, by(test.signs, "B"), "/validate/name/name.rego", ""))
			run.expectFailure(t, "[validate/name/name.rego] specified in bundle signatures but not found")
			server.publish(by(test.not, "wrong"))
			run.expectFailure(t, "failed to verify JWT signature")
			run.expectRevision(t, "A")
			server.publish(by(test.signs, "C"))
			run.expectRevision(t, "C")
		})
	}
}

// A public key is no secret. Were the algorithm taken from the signature, anybody could sign with it.
func TestASignatureByThePublicKeyIsNone(t *testing.T) {
	keys, server := newRSA(t), serve(t)
	run := start(t, verifying(t, server.URL, "RS256", keys.public), t.TempDir())
	// Past Build, which would take the PEM for a key of RSA.
	server.publish(built(t, rules("refused by A"), BuildOptions{Revision: "A", SigningKey: keys.public, Algorithm: "HS256"}))
	run.expectFailure(t, "failed to verify JWT signature")
}

func TestBuildLeavesTestsOut(t *testing.T) {
	files := unpacked(t, built(t, rules("no"), BuildOptions{Revision: "A"}))
	var names []string
	for name := range files {
		names = append(names, name)
	}
	slices.Sort(names)
	if got := strings.Join(names, " "); got != "/.manifest /data.json /main/main.rego /validate/name/name.rego" {
		t.Errorf("got %s", got)
	}
	if got := strings.TrimSpace(files["/data.json"]); got != `{"parameters":{"name":{"refused":"edge"}}}` {
		t.Errorf("got data %s", got)
	}
}

func TestBuildRefuses(t *testing.T) {
	wrong := rules("no")
	wrong["parameters.yaml"].Data = []byte("name: {}\nname: {}\n")
	tests := map[string]struct {
		opts BuildOptions
		says string
	}{
		"no revision":                       {BuildOptions{}, `.manifest: revision must be 1 to 100 letters, digits and ._:/@-, is ""`},
		"a key that is none":                {BuildOptions{Revision: "A", SigningKey: "-----BEGIN", Algorithm: "RS256"}, "signing: "},
		"an algorithm that is none":         {BuildOptions{Revision: "A", SigningKey: "x", Algorithm: "RS1"}, "signing: unknown signature algorithm: RS1"},
		"parameters that are written twice": {BuildOptions{Revision: "A"}, `reading parameters.yaml: `},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			err := Build(&bytes.Buffer{}, wrong, test.opts)
			if test.opts.SigningKey != "" {
				err = Build(&bytes.Buffer{}, rules("no"), test.opts)
			}
			if err == nil || !strings.HasPrefix(err.Error(), test.says) {
				t.Errorf("got %v, want %s", err, test.says)
			}
		})
	}
}
