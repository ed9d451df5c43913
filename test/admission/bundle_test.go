package admission_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"testing/fstest"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/gbytes"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"portcullis.dev/portcullis/pkg/policy/bundle"
	"portcullis.dev/portcullis/policies"
)

// frozen is a rule that refuses gateways called frozen, and says by which bundle.
func frozen(by string) string {
	return `# METADATA
# title: Frozen
# description: Refuses one gateway, for as long as this bundle is in force.
package validate.frozen

deny contains {"code": "frozen", "field": "metadata.name", "message": "must not be frozen, is by ` + by + `", "fix": "wait"} if {
	input.gateway.metadata.name == "frozen"
}
`
}

// reachingOut is what frozen must not be.
const reachingOut = `# METADATA
# title: Frozen
# description: Asks somebody else.
package validate.frozen

deny contains http.send({"method": "get", "url": "http://localhost"}).body
`

// bundleServer serves the bundle that was published last.
type bundleServer struct {
	*httptest.Server
	key    string
	bundle atomic.Pointer[[]byte]
}

// publish serves the whole library with one more rule.
func (s *bundleServer) publish(revision, rule string) {
	GinkgoHelper()
	library := fstest.MapFS{"validate/frozen/frozen.rego": {Data: []byte(rule)}}
	Expect(fs.WalkDir(policies.FS, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := policies.FS.ReadFile(name)
		library[name] = &fstest.MapFile{Data: text}
		return err
	})).To(Succeed())
	out := &bytes.Buffer{}
	Expect(bundle.Build(out, library, bundle.BuildOptions{Revision: revision, SigningKey: s.key, Algorithm: "ES256"})).To(Succeed())
	packed := out.Bytes()
	s.bundle.Store(&packed)
}

// ServeHTTP answers as a bundle server does.
func (s *bundleServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	published := s.bundle.Load()
	if published == nil {
		http.NotFound(w, r)
		return
	}
	hash := sha256.Sum256(*published)
	etag := `"` + hex.EncodeToString(hash[:]) + `"`
	w.Header().Set("ETag", etag)
	if r.Header.Get("If-None-Match") == etag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	_, _ = w.Write(*published)
}

// serveBundles starts a server, and writes a configuration that trusts its key.
func serveBundles() (server *bundleServer, config string) {
	GinkgoHelper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	Expect(err).NotTo(HaveOccurred())
	private, err := x509.MarshalPKCS8PrivateKey(key)
	Expect(err).NotTo(HaveOccurred())
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	Expect(err).NotTo(HaveOccurred())
	server = &bundleServer{key: string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}))}
	server.Server = httptest.NewServer(server)
	DeferCleanup(server.Close)
	text, err := json.Marshal(map[string]any{
		"services": map[string]any{"rules": map[string]any{"url": server.URL}},
		"keys": map[string]any{"release": map[string]any{
			"algorithm": "ES256", "key": string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})),
		}},
		"bundles": map[string]any{"portcullis": map[string]any{
			"service": "rules", "resource": "bundle.tar.gz", "signing": map[string]any{"keyid": "release"},
			"polling": map[string]any{"min_delay_seconds": 0, "max_delay_seconds": 1},
		}},
	})
	Expect(err).NotTo(HaveOccurred())
	config = filepath.Join(GinkgoT().TempDir(), "bundles.yaml")
	Expect(os.WriteFile(config, text, 0o600)).To(Succeed())
	return server, config
}

// replica is the Pod that the guard would run in.
func replica(ctx context.Context) *corev1.Pod {
	GinkgoHelper()
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "webhook-1"},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "webhook", Image: "webhook"}}},
	}
	Expect(admin.Create(ctx, pod)).To(Succeed())
	DeferCleanup(func(ctx context.Context) { Expect(admin.Delete(ctx, pod)).To(Succeed()) })
	return pod
}

// bundleCondition is the condition of the guard's Pod about its bundle.
func bundleCondition(ctx context.Context, pod *corev1.Pod) func() (string, error) {
	return func() (string, error) {
		err := admin.Get(ctx, client.ObjectKeyFromObject(pod), pod)
		for _, condition := range pod.Status.Conditions {
			if condition.Type == "portcullis.dev/BundleCurrent" {
				return string(condition.Status) + " " + condition.Message, err
			}
		}
		return "", err
	}
}

// frozenBy is what the API server says to a gateway called frozen.
func frozenBy(ctx context.Context) func() string {
	return func() string { return sentence(create(ctx, gatewayYAML("frozen", `{clusterIds: [c8a4b2xxxxxx]}`))) }
}

// by is the sentence of the rule in a bundle.
func by(revision string) string {
	return "frozen: metadata.name: must not be frozen, is by " + revision + " (wait)"
}

// bundleEvents are the events about bundles.
func bundleEvents(ctx context.Context) func() ([]string, error) {
	return func() ([]string, error) {
		list, lines := &eventsv1.EventList{}, []string{}
		err := admin.List(ctx, list)
		for _, event := range list.Items {
			if event.Regarding.Kind == "ValidatingWebhookConfiguration" && event.Regarding.Name == "portcullis" {
				lines = append(lines, event.Type+" "+event.Reason+" "+event.Note)
			}
		}
		return lines, err
	}
}

var _ = Describe("With its rules from a bundle, the guard", Serial, func() {
	var (
		server  *bundleServer
		metrics string
		pod     *corev1.Pod
	)

	BeforeEach(func(ctx context.Context) {
		pod = replica(ctx)
		webhook.stop()
		metrics = "127.0.0.1:" + strconv.Itoa(freePort())
		var config string
		server, config = serveBundles()
		webhook.args = []string{
			"--bundle-config", config, "--bundle-persist-dir", GinkgoT().TempDir(), "--metrics-bind-address", metrics, "--replica", pod.Name, "--namespace", pod.Namespace,
		}
		DeferCleanup(func() {
			webhook.stop()
			webhook.args = nil
			webhook.start("{}")
		})
	})

	// metric is what /metrics says.
	metric := func() (string, error) {
		response, err := http.Get("http://" + metrics + "/metrics")
		if err != nil {
			return "", err
		}
		text, err := io.ReadAll(response.Body)
		return string(text), err
	}

	It("decides by the newest good one, through bad ones and restarts without the server", func(ctx context.Context) {
		By("not being ready before there is one")
		webhook.launch()
		Eventually(webhook.readiness).Should(Equal(http.StatusInternalServerError))
		Consistently(webhook.readiness).WithTimeout(1e9).Should(Equal(http.StatusInternalServerError))
		Expect(frozenBy(ctx)()).To(ContainSubstring("failed calling webhook"))

		By("taking the first")
		server.publish("A", frozen("A"))
		Eventually(webhook.readiness).Should(Equal(http.StatusOK))
		Eventually(frozenBy(ctx)).Should(Equal(by("A")))
		expectCreated(ctx, gatewayYAML("free", `{clusterIds: [c8a4b2xxxxxx]}`))

		By("keeping it when the next is bad, and saying so")
		server.publish("B", reachingOut)
		Eventually(bundleEvents(ctx)).Should(ContainElement(And(
			HavePrefix("Warning BundleFailed Kept bundle A: "), ContainSubstring("http.send"),
		)))
		Eventually(bundleCondition(ctx, pod)).Should(And(
			HavePrefix("False Bundle A is in force, because there is no better one: revision B: "), ContainSubstring("http.send"),
		))
		Eventually(webhook.session.Err).Should(gbytes.Say("Kept the last good bundle"))
		Expect(frozenBy(ctx)()).To(Equal(by("A")))
		Expect(metric()).To(And(
			MatchRegexp(`(?m)^portcullis_bundle_failures_total [1-9]`),
			ContainSubstring(`portcullis_bundle_info{revision="A"} 1`),
		))
		Expect(webhook.readiness()).To(Equal(http.StatusOK))

		By("taking one that is good, without a restart, and naming it in the decision")
		server.publish("C", frozen("C"))
		Eventually(frozenBy(ctx)).Should(Equal(by("C")))
		Eventually(bundleEvents(ctx)).Should(ContainElement("Normal BundleActivated Activated bundle C"))
		Eventually(bundleCondition(ctx, pod)).Should(Equal("True Bundle C is in force"))
		Expect(revisionOfDecision(ctx)).To(MatchRegexp(`^C\+[0-9a-f]+$`))
		Expect(metric()).To(ContainSubstring(`portcullis_bundle_info{revision="C"} 1`))

		By("deciding by it when the server is gone at the next start")
		server.Close()
		webhook.stop()
		webhook.start("{}")
		Expect(frozenBy(ctx)()).To(Equal(by("C")))
		Expect(revisionOfDecision(ctx)).To(HavePrefix("C+"))
		Eventually(bundleEvents(ctx)).Should(ContainElement(And(
			HavePrefix("Warning BundleFailed Kept bundle C: "), ContainSubstring("connection refused"),
		)))
	})
})

// revisionOfDecision is the revision in a decision's audit annotations.
func revisionOfDecision(ctx context.Context) string {
	GinkgoHelper()
	answer := ask(ctx, "/validate", `{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"1","operation":"CREATE",
		"kind":{"group":"istio.alibabacloud.com","version":"v1beta1","kind":"IstioGateway"},"namespace":"istio-system","name":"frozen",
		"object":{"metadata":{"name":"frozen","namespace":"istio-system"},"spec":{"clusterIds":["c8a4b2xxxxxx"]}}}}`)
	Expect(answer.Result.Message).To(ContainSubstring("frozen"))
	return answer.AuditAnnotations["revision"]
}
