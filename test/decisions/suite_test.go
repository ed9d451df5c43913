// Package decisions follows decisions from what a user reads to every place that has a record of them.
package decisions_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/gbytes"
	"github.com/onsi/gomega/gexec"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"portcullis.dev/portcullis/pkg/api/v1alpha1"
	"portcullis.dev/portcullis/pkg/decision"
	"portcullis.dev/portcullis/test/env"
)

func TestDecisions(t *testing.T) {
	RegisterFailHandler(Fail)
	SetDefaultEventuallyTimeout(30 * time.Second)
	RunSpecs(t, "Finding out what was decided")
}

const namespace = "istio-system"

// The control plane, the collector and the webhook, set once before the suite.
var (
	plane     *env.ControlPlane
	collected *collector
	webhook   *gexec.Session
	// metricsPort is where the webhook's metrics are, printed what it wrote to standard output.
	metricsPort int
	printed     = gbytes.NewBuffer()
	// traces takes the webhook's spans.
	traces *receiver
)

var _ = BeforeSuite(func(ctx context.Context) {
	var err error
	traces = newTraces()
	plane, err = env.Start(ctx, env.Options{Audit: true, Progress: GinkgoWriter, Flags: map[string]string{"tracing-config-file": tracingConfig()}})
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(func() { Expect(plane.Stop()).To(Succeed()) })
	scheme := runtime.NewScheme()
	Expect(clientgoscheme.AddToScheme(scheme)).To(Succeed())
	Expect(v1alpha1.AddToScheme(scheme)).To(Succeed())
	admin, err := client.New(plane.Config, client.Options{Scheme: scheme})
	Expect(err).NotTo(HaveOccurred())
	Expect(admin.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}})).To(Succeed())
	Expect(admin.Create(ctx, &v1alpha1.GatewayCluster{
		ObjectMeta: metav1.ObjectMeta{Name: "c1"},
		Spec:       v1alpha1.GatewayClusterSpec{Local: new(true), Mesh: &v1alpha1.MeshProfile{Version: "1.26.0"}},
	})).To(Succeed())
	collected = newCollector()
	startWebhook(ctx, admin)
})

// startWebhook builds and starts the webhook, and waits until it is ready.
func startWebhook(ctx context.Context, admin client.Client) {
	GinkgoHelper()
	binary, err := gexec.Build("portcullis.dev/portcullis/cmd/webhook")
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(gexec.CleanupBuildArtifacts)
	config := filepath.Join(plane.Dir, "logs.yaml")
	text := "services: {collector: {url: '" + collected.URL + "'}}\ndecision_logs: {reporting: {min_delay_seconds: 0, max_delay_seconds: 1}}\n"
	Expect(os.WriteFile(config, []byte(text), 0o600)).To(Succeed())
	port, health := freePort(), freePort()
	metricsPort = freePort()
	mutating, validating, err := env.Webhooks("https://localhost:"+strconv.Itoa(port), nil)
	Expect(err).NotTo(HaveOccurred())
	Expect(admin.Create(ctx, mutating)).To(Succeed())
	Expect(admin.Create(ctx, validating)).To(Succeed())
	command := exec.Command(binary,
		"--kubeconfig", plane.Kubeconfig, "--bind-address", "127.0.0.1", "--port", strconv.Itoa(port),
		"--health-probe-bind-address", "127.0.0.1:"+strconv.Itoa(health),
		"--metrics-bind-address", "127.0.0.1:"+strconv.Itoa(metricsPort),
		"--ca-secret-namespace", namespace, "--dns-names", "localhost", "--replica", "webhook-1",
		"--decision-log-config", config, "--decision-log-mask-annotations", "example.com/token",
	)
	command.Env = append(os.Environ(), "OTEL_EXPORTER_OTLP_ENDPOINT="+traces.URL, "OTEL_BSP_SCHEDULE_DELAY=100", "OTEL_TRACES_SAMPLER=always_on")
	webhook, err = gexec.Start(command, printed, GinkgoWriter)
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(func() { Eventually(webhook.Terminate()).Should(gexec.Exit(0)) })
	Eventually(func() (int, error) {
		response, err := http.Get("http://127.0.0.1:" + strconv.Itoa(health) + "/readyz")
		if err != nil {
			return 0, err
		}
		return response.StatusCode, response.Body.Close()
	}).Should(Equal(http.StatusOK))
}

// freePort is a port that nobody listens on.
func freePort() int {
	GinkgoHelper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	Expect(err).NotTo(HaveOccurred())
	defer func() { Expect(listener.Close()).To(Succeed()) }()
	return listener.Addr().(*net.TCPAddr).Port
}

// collector takes OPA's decision logs.
type collector struct {
	*httptest.Server
	mutex  sync.Mutex
	events map[string]json.RawMessage
}

// newCollector starts one.
func newCollector() *collector {
	c := &collector{events: map[string]json.RawMessage{}}
	c.Server = httptest.NewServer(http.HandlerFunc(c.take))
	DeferCleanup(c.Close)
	return c
}

// take keeps the results of events by their IDs.
func (c *collector) take(w http.ResponseWriter, r *http.Request) {
	var events []struct {
		DecisionID string          `json:"decision_id"`
		Result     json.RawMessage `json:"result"`
	}
	unpacked, err := gzip.NewReader(r.Body)
	if err == nil {
		err = json.NewDecoder(unpacked).Decode(&events)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	for _, event := range events {
		c.events[event.DecisionID] = event.Result
	}
}

// record is the record that the collector has of an ID, in JSON; empty while it has none.
func (c *collector) record(id string) string {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return string(c.events[id])
}

// recordOf is the record on the webhook's standard output with an ID, in JSON; empty while there is none.
func recordOf(id string) string {
	for line := range strings.Lines(string(printed.Contents())) {
		if strings.HasPrefix(line, `{"id":"`+id+`"`) {
			return strings.TrimSpace(line)
		}
	}
	return ""
}

// records are all records on the webhook's standard output.
func records() []decision.Record {
	GinkgoHelper()
	var out []decision.Record
	for line := range strings.Lines(string(printed.Contents())) {
		if !strings.HasSuffix(line, "\n") {
			break
		}
		record := decision.Record{}
		Expect(json.Unmarshal([]byte(line), &record)).To(Succeed(), "standard output holds records and nothing else: %s", line)
		out = append(out, record)
	}
	return out
}

// annotations are those of the API server's audit log that have an ID as the value.
func annotations(id string) []string {
	GinkgoHelper()
	file, err := os.Open(plane.AuditLog)
	Expect(err).NotTo(HaveOccurred())
	defer func() { Expect(file.Close()).To(Succeed()) }()
	var keys []string
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		event := struct{ Annotations map[string]string }{}
		if json.Unmarshal(lines.Bytes(), &event) != nil {
			continue
		}
		for key, value := range event.Annotations {
			if value == id {
				keys = append(keys, key)
			}
		}
	}
	return keys
}

// applied is what kubectl apply says as a user about a gateway in YAML.
func applied(kubeconfig, text string) string {
	GinkgoHelper()
	command := exec.Command(plane.Kubectl, "--kubeconfig", kubeconfig, "apply", "-f", "-")
	command.Stdin = strings.NewReader(text)
	said, err := command.CombinedOutput()
	if err != nil {
		Expect(err).To(BeAssignableToTypeOf(&exec.ExitError{}))
	}
	return string(bytes.TrimSpace(said))
}
