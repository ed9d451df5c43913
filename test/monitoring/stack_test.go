package monitoring_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/gexec"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"

	"portcullis.dev/portcullis/test/env"
	"portcullis.dev/portcullis/test/env/wire"
)

// stack is a live Portcullis: its binaries on a real API server, and a second cluster.
type stack struct {
	*WithT
	t *testing.T
	// home is where it runs, away another cluster.
	home, away *env.ControlPlane
	// way is how the controller reaches the other cluster.
	way *wire.Wire
	// webhook and controller are the binaries, plugin the command line.
	webhook, controller *gexec.Session
	plugin              string
	// addresses of the metrics.
	webhookMetrics, controllerMetrics string
	// rules is where the guard gets its bundle.
	rules *bundleServer
	// collector takes the records of decisions.
	collector *collector
	// ann edits, bob approves, and carol may pass the fence.
	ann, bob, carol string
}

// startStack starts everything until the end of the test, with clusters home and away.
func startStack(t *testing.T) *stack {
	t.Helper()
	// gexec asks by the package's own Gomega; envtest has a log that nobody reads.
	RegisterTestingT(t)
	ctrl.SetLogger(zap.New(zap.WriteTo(io.Discard)))
	s := &stack{WithT: NewWithT(t), t: t}
	s.home, s.away = s.plane(env.Options{Controllers: true}), s.plane(env.Options{})
	s.ann, s.bob, s.carol = s.user("ann", "system:masters"), s.user("bob", "system:masters"), s.user("carol", "system:masters", "break-glass")
	for _, plane := range []*env.ControlPlane{s.home, s.away} {
		s.do(plane.Kubeconfig, "", "create", "namespace", namespace)
	}
	s.do(s.home.Kubeconfig, "", "create", "secret", "generic", "away", "-n", namespace, "--from-literal=away="+s.wayToAway())
	s.do(s.home.Kubeconfig, cluster("home", "local: true", "a")+"\n---\n"+cluster("away", "kubeconfigSecret: {namespace: istio-system, name: away}", "a"), "apply", "-f", "-")
	s.rules, s.collector = serveBundles(s), collect(s)
	s.startGuard()
	s.startController()
	return s
}

// wayToAway is a kubeconfig that leads to the other cluster by a wire.
func (s *stack) wayToAway() string {
	s.t.Helper()
	kubeconfig, err := os.ReadFile(s.away.Kubeconfig)
	s.Expect(err).NotTo(HaveOccurred())
	address, err := url.Parse(s.away.Config.Host)
	s.Expect(err).NotTo(HaveOccurred())
	s.way, err = wire.New(address.Host)
	s.Expect(err).NotTo(HaveOccurred())
	s.t.Cleanup(s.way.Close)
	out := strings.Replace(string(kubeconfig), address.Host, s.way.Address(), 1)
	s.Expect(out).To(ContainSubstring(s.way.Address()))
	return out
}

// plane starts a control plane.
func (s *stack) plane(options env.Options) *env.ControlPlane {
	s.t.Helper()
	options.Progress = os.Stderr
	plane, err := env.Start(s.t.Context(), options)
	s.Expect(err).NotTo(HaveOccurred())
	s.t.Cleanup(func() { _ = plane.Stop() })
	return plane
}

// user is the kubeconfig of somebody.
func (s *stack) user(name string, groups ...string) string {
	s.t.Helper()
	path, _, err := s.home.KubeconfigFor(name, groups...)
	s.Expect(err).NotTo(HaveOccurred())
	return path
}

// run starts one of our binaries until the end of the test, and returns when it is ready.
func (s *stack) run(name string, args ...string) *gexec.Session {
	s.t.Helper()
	health := "127.0.0.1:" + s.freePort()
	log, err := os.Create(filepath.Join(s.home.Dir, "log", name+".log"))
	s.Expect(err).NotTo(HaveOccurred())
	session, err := gexec.Start(exec.Command(s.build(name), append(args, "--health-probe-bind-address", health)...), log, log)
	s.Expect(err).NotTo(HaveOccurred())
	s.t.Cleanup(func() {
		session.Kill().Wait(time.Minute)
		if s.t.Failed() {
			s.explain(log)
		}
	})
	s.Eventually(func() (int, error) {
		response, err := http.Get("http://" + health + "/readyz")
		if err != nil {
			return 0, err
		}
		return response.StatusCode, response.Body.Close()
	}).WithTimeout(time.Minute).Should(Equal(http.StatusOK), "%s is not ready: %s", name, log.Name())
	return session
}

// explain shows the end of a log.
func (s *stack) explain(log *os.File) {
	text, err := os.ReadFile(log.Name())
	if err == nil {
		s.t.Logf("the end of %s:\n%s", log.Name(), text[max(0, len(text)-6000):])
	}
}

// build builds one of our binaries.
func (s *stack) build(name string) string {
	s.t.Helper()
	path := filepath.Join(s.home.Dir, name)
	out, err := exec.CommandContext(s.t.Context(), "go", "build", "-o", path, "portcullis.dev/portcullis/cmd/"+name).CombinedOutput()
	s.Expect(err).NotTo(HaveOccurred(), string(out))
	return path
}

// startGuard starts the webhook with rules from the bundle, and returns when the API server gets answers.
func (s *stack) startGuard() {
	s.t.Helper()
	port, metrics := s.freePort(), s.freePort()
	mutating, validating, err := env.Webhooks("https://localhost:"+port, nil)
	s.Expect(err).NotTo(HaveOccurred())
	s.do(s.home.Kubeconfig, asJSON(s, mutating), "create", "-f", "-")
	s.do(s.home.Kubeconfig, asJSON(s, validating), "create", "-f", "-")
	s.webhookMetrics = "127.0.0.1:" + metrics
	s.webhook = s.run("webhook", "--kubeconfig", s.home.Kubeconfig, "--port", port, "--bind-address", "127.0.0.1", "--dns-names", "localhost",
		"--ca-secret-namespace", namespace, "--webhook-configuration-name", "portcullis", "--metrics-bind-address", s.webhookMetrics,
		"--bundle-config", s.rules.config, "--bundle-persist-dir", s.t.TempDir(), "--replica", "webhook-0",
		"--decision-log-config", s.collector.config)
	s.Eventually(func() error {
		_, err := s.kubectl(s.ann, gateway("question", "[home]"), "apply", "--dry-run=server", "-f", "-")
		return err
	}).WithTimeout(time.Minute).Should(Succeed())
}

// startController starts the controller, as a user that the fence knows.
func (s *stack) startController() {
	s.t.Helper()
	s.controllerMetrics = "127.0.0.1:" + s.freePort()
	user := s.user("system:serviceaccount:portcullis-system:portcullis-controller", "system:masters")
	s.controller = s.run("controller", "--kubeconfig", user, "--metrics-bind-address", s.controllerMetrics,
		"--leader-elect", "--leader-election-namespace", namespace, "--emergency-group", "break-glass")
	s.plugin = s.build("kubectl-portcullis")
}

// kubectl runs kubectl as somebody, and returns what it says.
func (s *stack) kubectl(kubeconfig, stdin string, args ...string) (string, error) {
	return command(s.t.Context(), kubeconfig, stdin, s.home.Kubectl, args...)
}

// do runs kubectl as somebody, and expects that it works.
func (s *stack) do(kubeconfig, stdin string, args ...string) string {
	s.t.Helper()
	out, err := s.kubectl(kubeconfig, stdin, args...)
	s.Expect(err).NotTo(HaveOccurred())
	return out
}

// command runs a program as somebody.
func command(ctx context.Context, kubeconfig, stdin, program string, args ...string) (string, error) {
	run := exec.CommandContext(ctx, program, args...)
	run.Env = append(os.Environ(), "KUBECONFIG="+kubeconfig)
	run.Stdin = strings.NewReader(stdin)
	out, err := run.CombinedOutput()
	if err != nil {
		return string(out), fmt.Errorf("%s %s: %w: %s", filepath.Base(program), strings.Join(args, " "), err, out)
	}
	return string(out), nil
}

// freePort is a port that nobody listens on.
func (s *stack) freePort() string {
	s.t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	s.Expect(err).NotTo(HaveOccurred())
	defer func() { _ = listener.Close() }()
	_, port, err := net.SplitHostPort(listener.Addr().String())
	s.Expect(err).NotTo(HaveOccurred())
	return port
}
