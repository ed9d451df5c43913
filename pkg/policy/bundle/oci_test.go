package bundle

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Media types of the OCI image specification.
const (
	manifestType = "application/vnd.oci.image.manifest.v1+json"
	configType   = "application/vnd.oci.image.config.v1+json"
	layerType    = "application/vnd.oci.image.layer.v1.tar+gzip"
)

// digestOf is the name of a blob.
func digestOf(blob []byte) string {
	hash := sha256.Sum256(blob)
	return "sha256:" + hex.EncodeToString(hash[:])
}

// registry answers what a pull asks of an OCI registry, for one tag of one repository: the manifest by its tag and by
// its digest, and the blobs. Whoever does not log in is told how.
func registry(bundle []byte) http.HandlerFunc {
	describe := func(media string, blob []byte) map[string]any {
		return map[string]any{"mediaType": media, "digest": digestOf(blob), "size": len(blob)}
	}
	config := []byte("{}")
	manifest, _ := json.Marshal(map[string]any{
		"schemaVersion": 2, "mediaType": manifestType,
		"config": describe(configType, config), "layers": []any{describe(layerType, bundle)},
	})
	answers := map[string]struct {
		media string
		blob  []byte
	}{
		"/v2/team/rules/manifests/stable":                {manifestType, manifest},
		"/v2/team/rules/manifests/" + digestOf(manifest): {manifestType, manifest},
		"/v2/team/rules/blobs/" + digestOf(config):       {"application/octet-stream", config},
		"/v2/team/rules/blobs/" + digestOf(bundle):       {"application/octet-stream", bundle},
	}
	return func(w http.ResponseWriter, r *http.Request) {
		if user, password, ok := r.BasicAuth(); !ok || user != "robot" || password != "secret" {
			w.Header().Set("WWW-Authenticate", `Basic realm="rules"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		answer, ok := answers[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", answer.media)
		w.Header().Set("Docker-Content-Digest", digestOf(answer.blob))
		http.ServeContent(w, r, "", time.Time{}, strings.NewReader(string(answer.blob)))
	}
}

// fromRegistry is a configuration for signed bundles from a registry.
func fromRegistry(url, password string) string {
	host := strings.TrimPrefix(url, "http://")
	return `{services: {rules: {type: oci, url: "` + url + `", credentials: {bearer: {scheme: Basic, token: "robot:` + password + `"}}}},
  keys: {k: {key: secret, algorithm: HS256}},
  bundles: {portcullis: {service: rules, resource: "` + host + `/team/rules:stable", signing: {keyid: k}, polling: ` + polling + `}}}`
}

func TestABundleComesFromARegistry(t *testing.T) {
	server, directory := serve(t), t.TempDir()
	server.answerWith(registry(good(t, "A")))
	run := start(t, fromRegistry(server.URL, "secret"), directory)
	run.expectRevision(t, "A")

	server.answerWith(registry(changed(t, good(t, "bad"), "/main/main.rego", "package main\n")))
	run.expectFailure(t, "main/main.rego: digest mismatch")
	server.answerWith(registry(built(t, rules("unsigned"), BuildOptions{Revision: "unsigned"})))
	run.expectFailure(t, "bundle missing .signatures.json file")
	server.answerWith(http.NotFound)
	run.expectFailure(t, "404 Not Found")
	run.expectRevision(t, "A")
	server.answerWith(registry(good(t, "C")))
	run.expectRevision(t, "C")
	eventually(t, "nothing is wrong any more", func() bool { return run.Status().Err == nil })
	run.stop()
	server.Close()

	again := start(t, fromRegistry(server.URL, "secret"), directory)
	again.expectRevision(t, "C")
}

func TestARegistryIsBoundedToo(t *testing.T) {
	server := serve(t)
	server.answerWith(registry(good(t, "A")))
	run := start(t, fromRegistry(server.URL, "secret"), t.TempDir(), func(r *Runner) {
		r.limits = limits{packed: 50_000, unpacked: 200_000, body: patience}
	})
	run.expectRevision(t, "A")
	server.answerWith(registry(bomb(t)))
	run.expectFailure(t, "answer must unpack to at most 200000 bytes, does to more")
	run.expectRevision(t, "A")
}

func TestARegistryThatDoesNotKnowUsGivesNothing(t *testing.T) {
	server := serve(t)
	server.answerWith(registry(good(t, "A")))
	run := start(t, fromRegistry(server.URL, "wrong"), t.TempDir())
	run.expectFailure(t, "basic credential not found")
}

// What a registry's answers pass through is no memory of ours: cut short, it must not keep the webhook from starting.
func TestAStartForgetsWhatWasDownloaded(t *testing.T) {
	server, directory := serve(t), t.TempDir()
	written(t, filepath.Join(directory, "oci", "index.json"), []byte("{"))
	server.answerWith(registry(good(t, "A")))
	run := start(t, fromRegistry(server.URL, "secret"), directory)
	run.expectRevision(t, "A")
	run.stop()
	if _, err := os.Stat(filepath.Join(directory, "oci", "blobs")); err != nil {
		t.Errorf("got %v: it passes somewhere else", err)
	}
}
