package policy_test

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/gexec"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"portcullis.dev/portcullis/pkg/api/v1alpha1"
	"portcullis.dev/portcullis/test/env"
)

func TestPolicy(t *testing.T) {
	RegisterFailHandler(Fail)
	SetDefaultEventuallyTimeout(time.Minute)
	RunSpecs(t, "Changing rules by GatewayPolicies")
}

// The control plane, the first replica of the webhook and an administrator's client, set once before the suite.
var (
	plane   *env.ControlPlane
	binary  string
	webhook *replica
	admin   client.Client
)

const namespace = "istio-system"

var _ = BeforeSuite(func(ctx context.Context) {
	var err error
	plane, err = env.Start(ctx, env.Options{Progress: GinkgoWriter})
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(func() { Expect(plane.Stop()).To(Succeed()) })
	scheme := runtime.NewScheme()
	Expect(clientgoscheme.AddToScheme(scheme)).To(Succeed())
	Expect(v1alpha1.AddToScheme(scheme)).To(Succeed())
	admin, err = client.New(plane.Config, client.Options{Scheme: scheme})
	Expect(err).NotTo(HaveOccurred())
	for _, name := range []string{namespace, "elsewhere"} {
		Expect(admin.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}})).To(Succeed())
	}
	cluster := &v1alpha1.GatewayCluster{ObjectMeta: metav1.ObjectMeta{Name: "c1"}}
	cluster.Spec.KubeconfigSecret = &v1alpha1.SecretReference{Namespace: namespace, Name: "c1"}
	Expect(admin.Create(ctx, cluster)).To(Succeed())

	binary, err = gexec.Build("portcullis.dev/portcullis/cmd/webhook")
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(gexec.CleanupBuildArtifacts)
	webhook = newReplica("webhook-1")
	mutating, validating, err := env.Webhooks("https://localhost:"+strconv.Itoa(webhook.port), nil)
	Expect(err).NotTo(HaveOccurred())
	Expect(admin.Create(ctx, mutating)).To(Succeed())
	Expect(admin.Create(ctx, validating)).To(Succeed())
	webhook.start()
	DeferCleanup(func() { webhook.stop() })
})

// replica is one process of the webhook.
type replica struct {
	name         string
	port, health int
	metrics      int
	session      *gexec.Session
}

// newReplica is a replica that does not run yet.
func newReplica(name string) *replica {
	GinkgoHelper()
	return &replica{name: name, port: freePort(), health: freePort(), metrics: freePort()}
}

// start starts the replica and waits until it is ready.
func (r *replica) start() {
	GinkgoHelper()
	r.launch()
	Eventually(r.ready).Should(Equal(http.StatusOK))
}

// launch starts the replica.
func (r *replica) launch() {
	GinkgoHelper()
	command := exec.Command(binary,
		"--kubeconfig", plane.Kubeconfig,
		"--bind-address", "127.0.0.1", "--port", strconv.Itoa(r.port),
		"--health-probe-bind-address", "127.0.0.1:"+strconv.Itoa(r.health),
		"--metrics-bind-address", "127.0.0.1:"+strconv.Itoa(r.metrics),
		"--namespace", namespace, "--ca-secret-namespace", namespace, "--dns-names", "localhost",
		"--replica", r.name,
	)
	var err error
	r.session, err = gexec.Start(command, GinkgoWriter, GinkgoWriter)
	Expect(err).NotTo(HaveOccurred())
}

// ready is the status that the replica's readiness answers with.
func (r *replica) ready() (int, error) {
	response, err := http.Get("http://127.0.0.1:" + strconv.Itoa(r.health) + "/readyz")
	if err != nil {
		return 0, err
	}
	return response.StatusCode, response.Body.Close()
}

// scraped is what the replica's metrics say.
func (r *replica) scraped() string {
	GinkgoHelper()
	response, err := http.Get("http://127.0.0.1:" + strconv.Itoa(r.metrics) + "/metrics")
	Expect(err).NotTo(HaveOccurred())
	defer func() { Expect(response.Body.Close()).To(Succeed()) }()
	text := &bytes.Buffer{}
	_, err = text.ReadFrom(response.Body)
	Expect(err).NotTo(HaveOccurred())
	return text.String()
}

// stop stops the replica as Kubernetes does.
func (r *replica) stop() {
	GinkgoHelper()
	Eventually(r.session.Terminate()).Should(gexec.Exit())
}

// freePort is a port that nobody listens on.
func freePort() int {
	GinkgoHelper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	Expect(err).NotTo(HaveOccurred())
	defer func() { Expect(listener.Close()).To(Succeed()) }()
	return listener.Addr().(*net.TCPAddr).Port
}

// kubectl runs kubectl with some input, and returns all that it prints.
func kubectl(input string, args ...string) (string, error) {
	command := exec.Command(plane.Kubectl, append([]string{"--kubeconfig", plane.Kubeconfig}, args...)...)
	command.Stdin = strings.NewReader(input)
	output, err := command.CombinedOutput()
	return string(output), err
}

// expectActive applies a policy, waits until it is active, and takes it away after the spec.
func expectActive(name, spec string) {
	GinkgoHelper()
	output, err := apply(name, spec)
	Expect(err).NotTo(HaveOccurred(), output)
	DeferCleanup(func(ctx context.Context) { expectGone(ctx, name) })
	expectWaited(name)
}

// expectWaited waits for a policy as its author does.
func expectWaited(name string) {
	GinkgoHelper()
	output, err := kubectl("", "wait", "--for=condition=Active", "gatewaypolicy/"+name, "--timeout=60s")
	Expect(err).NotTo(HaveOccurred(), output)
}

// expectGone deletes a policy, and waits until the webhook decides without it, which another policy's condition tells:
// all policies are compiled together.
func expectGone(ctx context.Context, name string) {
	GinkgoHelper()
	policy := &v1alpha1.GatewayPolicy{ObjectMeta: metav1.ObjectMeta{Name: name}}
	Expect(client.IgnoreNotFound(admin.Delete(ctx, policy))).To(Succeed())
	output, err := apply("after-"+name, "{}")
	Expect(err).NotTo(HaveOccurred(), output)
	expectWaited("after-" + name)
	after := &v1alpha1.GatewayPolicy{ObjectMeta: metav1.ObjectMeta{Name: "after-" + name}}
	Expect(admin.Delete(ctx, after)).To(Succeed())
}

// apply applies a policy with a spec in YAML, as its author does.
func apply(name, spec string) (string, error) {
	return kubectl("apiVersion: portcullis.dev/v1alpha1\nkind: GatewayPolicy\nmetadata: {name: "+name+"}\nspec:\n"+indented(spec), "apply", "-f", "-")
}

// indented is a text two columns to the right.
func indented(text string) string {
	return "  " + strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n  ") + "\n"
}

// gateway is a gateway with labels, and one that only its namespace is wrong with.
func gateway(name, where, labels string) string {
	return `{apiVersion: istio.alibabacloud.com/v1beta1, kind: IstioGateway, metadata: {name: ` + name + `, namespace: ` + where + `, labels: ` + labels + `}, spec: {clusterIds: [c1]}}`
}

// tried is what a person reads who tries to apply a gateway.
func tried(gateway string) string {
	output, err := kubectl(gateway, "apply", "--dry-run=server", "-f", "-")
	if err == nil {
		return "accepted: " + output
	}
	return output
}
