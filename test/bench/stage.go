package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/api/v1alpha1"
	"portcullis.dev/portcullis/test/env"
)

// How long something that comes true by itself may take, and how often we look.
const (
	patience = 30 * time.Minute
	interval = 5 * time.Millisecond
)

// namespace is where gateways live, and local the cluster that they are in.
const (
	namespace = "istio-system"
	local     = "local"
)

// stage is what is measured on: a control plane, and binaries of ours beside it.
type stage struct {
	plane *env.ControlPlane
	admin client.WithWatch
	// user is who the controller is, and the bare client: with kubeconfig the one, with config the other.
	user       string
	kubeconfig string
	config     *rest.Config
}

// newStage starts a control plane with the namespace of gateways and a registered cluster.
func newStage(ctx context.Context, options env.Options) (*stage, error) {
	options.Progress = os.Stderr
	plane, err := env.Start(ctx, options)
	if err != nil {
		return nil, err
	}
	s := &stage{plane: plane}
	if err := s.prepare(ctx); err != nil {
		return nil, errors.Join(err, plane.Stop())
	}
	return s, nil
}

// prepare makes what every measurement needs.
func (s *stage) prepare(ctx context.Context) error {
	var err error
	if s.admin, err = newClient(s.plane.Config); err != nil {
		return err
	}
	s.user = "system:serviceaccount:portcullis-system:portcullis-controller"
	if s.kubeconfig, s.config, err = s.plane.KubeconfigFor(s.user, "system:masters"); err != nil {
		return err
	}
	for _, object := range []client.Object{
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}},
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: bareNamespace}},
		&v1alpha1.GatewayCluster{ObjectMeta: metav1.ObjectMeta{Name: local}, Spec: v1alpha1.GatewayClusterSpec{Local: new(true)}},
	} {
		if err := s.admin.Create(ctx, object); err != nil {
			return fmt.Errorf("creating %T %s: %w", object, object.GetName(), err)
		}
	}
	return nil
}

// newClient reaches an API server without any limit of its own.
func newClient(config *rest.Config) (client.WithWatch, error) {
	scheme := runtime.NewScheme()
	if err := errors.Join(clientgoscheme.AddToScheme(scheme), v1beta1.AddToScheme(scheme), v1alpha1.AddToScheme(scheme)); err != nil {
		return nil, err
	}
	config = rest.CopyConfig(config)
	config.QPS = -1
	out, err := client.NewWithWatch(config, client.Options{Scheme: scheme})
	if err != nil {
		return nil, fmt.Errorf("creating a client: %w", err)
	}
	return out, nil
}

// build builds one of our commands.
func (s *stage) build(ctx context.Context, name string) (string, error) {
	path := filepath.Join(s.plane.Dir, "bin", filepath.Base(name))
	output, err := exec.CommandContext(ctx, "go", "build", "-o", path, "portcullis.dev/portcullis/"+name).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("building %s: %w: %s", name, err, output)
	}
	return path, nil
}

// program is a running program.
type program struct {
	command *exec.Cmd
	// started is when it was, and ready how long it took until it said that it was ready.
	started time.Time
	ready   time.Duration
}

// start starts a program, and returns when it says that it is ready. Its log is beside those of the control plane.
func (s *stage) start(ctx context.Context, path string, args ...string) (*program, error) {
	ports, err := freePorts(1)
	if err != nil {
		return nil, err
	}
	health := "127.0.0.1:" + ports[0]
	log, err := os.OpenFile(filepath.Join(s.plane.Dir, "log", filepath.Base(path)+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, fmt.Errorf("opening the log of %s: %w", path, err)
	}
	// The program has it open itself once it runs.
	defer func() { _ = log.Close() }()
	p := &program{command: exec.CommandContext(ctx, path, append(args, "--health-probe-bind-address", health)...), started: time.Now()}
	p.command.Stdout, p.command.Stderr = log, log
	if err := p.command.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", path, err)
	}
	err = eventually(ctx, time.Minute, func(ctx context.Context) (bool, error) { return isReady(ctx, health) })
	if err != nil {
		return nil, errors.Join(fmt.Errorf("waiting for %s to be ready: %w", path, err), p.stop())
	}
	p.ready = time.Since(p.started)
	return p, nil
}

// stop kills a program, as a node that fails does.
func (p *program) stop() error {
	if err := p.command.Process.Kill(); err != nil {
		return fmt.Errorf("stopping %s: %w", p.command.Path, err)
	}
	// That it was killed is no news.
	_ = p.command.Wait()
	return nil
}

// isReady says whether what serves an address is ready.
func isReady(ctx context.Context, address string) (bool, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/readyz", nil)
	if err != nil {
		return false, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		// It does not listen yet.
		return false, nil //nolint:nilerr // asked again until patience ends
	}
	return response.StatusCode == http.StatusOK, response.Body.Close()
}

// eventually waits for what comes true by itself.
func eventually(ctx context.Context, patience time.Duration, condition wait.ConditionWithContextFunc) error {
	return wait.PollUntilContextTimeout(ctx, interval, patience, true, condition)
}

// freePorts finds ports that nobody listens on.
func freePorts(count int) ([]string, error) {
	var ports []string
	for range count {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, fmt.Errorf("finding a free port: %w", err)
		}
		// Open until all are found, so that no two are the same.
		defer func() { _ = listener.Close() }()
		ports = append(ports, strconv.Itoa(listener.Addr().(*net.TCPAddr).Port))
	}
	return ports, nil
}
