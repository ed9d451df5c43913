package admission_test

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/gexec"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"portcullis.dev/portcullis/pkg/api/v1alpha1"
	"portcullis.dev/portcullis/pkg/decision"
	"portcullis.dev/portcullis/test/env"
)

func TestAdmission(t *testing.T) {
	RegisterFailHandler(Fail)
	SetDefaultEventuallyTimeout(30 * time.Second)
	RunSpecs(t, "Guarding gateways at admission")
}

// The control plane, the webhook and the administrator's client, set once before the suite.
var (
	plane   *env.ControlPlane
	webhook *guard
	admin   client.Client
	// warnings are what the API server warned the administrator of since they were last taken.
	warnings warningLog
)

const namespace = "istio-system"

var _ = BeforeSuite(func(ctx context.Context) {
	var err error
	plane, err = env.Start(ctx, env.Options{Progress: GinkgoWriter})
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(func() { Expect(plane.Stop()).To(Succeed()) })
	admin = clientFor(plane.Config)
	for _, name := range []string{namespace, "elsewhere"} {
		Expect(admin.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}})).To(Succeed())
	}
	for _, cluster := range clusters() {
		Expect(admin.Create(ctx, cluster)).To(Succeed())
	}
	lose(ctx, "lost")
	// What is stored before the guard comes is the past that it does not judge.
	Expect(create(ctx, oldSinner)).To(Succeed())
	Expect(create(ctx, oldSinnerOnItsWayOut)).To(Succeed())
	Expect(create(ctx, oldSinnerThatLingers)).To(Succeed())

	binary, err := gexec.Build("portcullis.dev/portcullis/cmd/webhook")
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(gexec.CleanupBuildArtifacts)
	webhook = &guard{binary: binary, port: freePort(), health: freePort()}
	mutating, validating, err := env.Webhooks("https://localhost:"+strconv.Itoa(webhook.port), nil)
	Expect(err).NotTo(HaveOccurred())
	Expect(admin.Create(ctx, mutating)).To(Succeed())
	Expect(admin.Create(ctx, validating)).To(Succeed())
	webhook.start("{}")
	DeferCleanup(func() { webhook.stop() })
})

// clusters are registered: ordinary ones, one of an old mesh and one of a very old one, and one each with virtual
// nodes alone, among others and without.
func clusters() []*v1alpha1.GatewayCluster {
	cluster := func(name string, mesh string, facts *v1alpha1.ClusterFacts) *v1alpha1.GatewayCluster {
		return &v1alpha1.GatewayCluster{
			ObjectMeta: metav1.ObjectMeta{Name: name},
			Spec: v1alpha1.GatewayClusterSpec{
				KubeconfigSecret: &v1alpha1.SecretReference{Namespace: namespace, Name: name},
				Mesh:             &v1alpha1.MeshProfile{Version: mesh},
				Facts:            facts,
			},
		}
	}
	return []*v1alpha1.GatewayCluster{
		cluster("c8a4b2xxxxxx", "1.26.0", nil),
		cluster("c9f3e7xxxxxx", "1.26.0", nil),
		cluster("lost", "1.26.0", nil),
		cluster("old-mesh", "1.15.3", nil),
		cluster("ancient", "1.9.5", nil),
		cluster("serverless", "1.26.0", &v1alpha1.ClusterFacts{VirtualNodes: v1alpha1.VirtualNodesAll}),
		cluster("mixed", "1.26.0", &v1alpha1.ClusterFacts{
			VirtualNodes: v1alpha1.VirtualNodesSome, KubernetesVersion: "v1.33.1",
			KernelVersions: []string{"4.19.91-27.al7.x86_64", "5.15.0-100-generic"},
		}),
		cluster("machines", "1.26.0", &v1alpha1.ClusterFacts{
			VirtualNodes: v1alpha1.VirtualNodesNone, KubernetesVersion: "v1.28.3", Nodes: new(int32(2)),
			KernelVersions: []string{"5.10.134-16.al8.x86_64"},
		}),
		cluster("bare", "1.26.0", &v1alpha1.ClusterFacts{LoadBalancer: new(false)}),
	}
}

// lose makes a registered cluster one that does not answer.
func lose(ctx context.Context, name string) {
	GinkgoHelper()
	cluster := &v1alpha1.GatewayCluster{}
	Expect(admin.Get(ctx, client.ObjectKey{Name: name}, cluster)).To(Succeed())
	cluster.Status.Conditions = []metav1.Condition{{
		Type: v1alpha1.ConditionReachable, Status: metav1.ConditionFalse, Reason: "Unreachable", LastTransitionTime: metav1.Now(),
	}}
	Expect(admin.Status().Update(ctx, cluster)).To(Succeed())
}

// guard is the webhook's process.
type guard struct {
	binary       string
	port, health int
	// args are further flags.
	args    []string
	session *gexec.Session
}

// start starts the webhook with parameters of its rules, in YAML, and waits until it is ready.
//
// Approvals have a suite of their own: here they are recorded and not asked for, so that what one spec leaves behind
// can be changed and deleted by the next.
func (g *guard) start(parameters string) {
	GinkgoHelper()
	g.configure(parameters)
	g.launch()
	Eventually(g.readiness).Should(Equal(http.StatusOK))
}

// configure writes the webhook's configuration.
func (g *guard) configure(parameters string) {
	GinkgoHelper()
	text := "enforcement: {restart_approval: Audit, address_approval: Audit}\nparameters: " + parameters + "\n"
	Expect(os.WriteFile(g.config(), []byte(text), 0o600)).To(Succeed())
}

// config is the file of the webhook's configuration.
func (g *guard) config() string {
	return filepath.Join(plane.Dir, "config.yaml")
}

// launch starts the webhook.
func (g *guard) launch() {
	GinkgoHelper()
	command := exec.Command(g.binary, append([]string{
		"--config", g.config(),
		"--kubeconfig", plane.Kubeconfig,
		"--bind-address", "127.0.0.1", "--port", strconv.Itoa(g.port),
		"--health-probe-bind-address", "127.0.0.1:" + strconv.Itoa(g.health),
		"--metrics-bind-address", "0",
		"--ca-secret-namespace", namespace,
		"--dns-names", "localhost",
	}, g.args...)...)
	var err error
	g.session, err = gexec.Start(command, GinkgoWriter, GinkgoWriter)
	Expect(err).NotTo(HaveOccurred())
}

// readiness is the status that /readyz answers with.
func (g *guard) readiness() (int, error) {
	response, err := http.Get("http://127.0.0.1:" + strconv.Itoa(g.health) + "/readyz")
	if err != nil {
		return 0, err
	}
	return response.StatusCode, response.Body.Close()
}

// stop stops the webhook.
func (g *guard) stop() {
	GinkgoHelper()
	Eventually(g.session.Terminate()).Should(gexec.Exit())
}

// freePort is a port that nobody listens on.
func freePort() int {
	GinkgoHelper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	Expect(err).NotTo(HaveOccurred())
	defer func() { Expect(listener.Close()).To(Succeed()) }()
	return listener.Addr().(*net.TCPAddr).Port
}

// clientFor reaches the API server as kubectl does: unknown fields are refused, warnings are shown.
func clientFor(config *rest.Config) client.Client {
	GinkgoHelper()
	scheme := runtime.NewScheme()
	Expect(clientgoscheme.AddToScheme(scheme)).To(Succeed())
	Expect(v1alpha1.AddToScheme(scheme)).To(Succeed())
	config = rest.CopyConfig(config)
	config.WarningHandler = &warnings
	plain, err := client.New(config, client.Options{Scheme: scheme})
	Expect(err).NotTo(HaveOccurred())
	return client.WithFieldValidation(plain, metav1.FieldValidationStrict)
}

// warningLog gathers warnings.
type warningLog struct{ lines []string }

// HandleWarningHeader keeps a warning.
func (w *warningLog) HandleWarningHeader(_ int, _ string, text string) {
	w.lines = append(w.lines, text)
}

// take returns the warnings so far and forgets them.
func (w *warningLog) take() []string {
	lines := w.lines
	w.lines = nil
	return lines
}

// parse reads YAML as kubectl does.
func parse(text string) *unstructured.Unstructured {
	GinkgoHelper()
	raw, err := yaml.YAMLToJSON([]byte(text))
	Expect(err).NotTo(HaveOccurred())
	object := &unstructured.Unstructured{}
	Expect(json.Unmarshal(raw, object)).To(Succeed())
	return object
}

// create stores an object in YAML.
func create(ctx context.Context, text string) error {
	return admin.Create(ctx, parse(text))
}

// gatewayYAML is a gateway with a spec in YAML.
func gatewayYAML(name, spec string) string {
	return "{apiVersion: istio.alibabacloud.com/v1beta1, kind: IstioGateway, metadata: {name: " + name + ", namespace: istio-system}, spec: " + spec + "}"
}

// expectCreated stores an object, removes it after the spec, and returns it as it is stored.
func expectCreated(ctx context.Context, text string) *unstructured.Unstructured {
	GinkgoHelper()
	object := parse(text)
	Expect(admin.Create(ctx, object)).To(Succeed())
	DeferCleanup(func(ctx context.Context) { Expect(client.IgnoreNotFound(admin.Delete(ctx, object))).To(Succeed()) })
	return object
}

// sentence is what a person reads of a refusal, without the API server's own words before it and without the decision's
// ID, which no two have in common.
func sentence(err error) string {
	GinkgoHelper()
	status := apierrors.APIStatus(nil)
	if err == nil {
		return "accepted"
	}
	if !asStatus(err, &status) {
		return err.Error()
	}
	_, text, found := strings.Cut(status.Status().Message, "denied the request: ")
	if !found {
		return status.Status().Message
	}
	said, id := decision.Cut(text)
	Expect(id).NotTo(BeEmpty())
	return strings.TrimSpace(said)
}
