package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/test/env"
)

// How long something that comes true by itself may take, and how often we look.
const (
	patience = time.Minute
	interval = 100 * time.Millisecond
	// logTail is how much of a log explains a failure.
	logTail = 2000
)

// namespace is where gateways live.
const namespace = "istio-system"

// stage is what the demo plays on: a control plane, and our binaries beside it.
type stage struct {
	plane *env.ControlPlane
	admin client.Client
	// bin is where our binaries are.
	bin string
	// elsewhere is another cluster.
	elsewhere *env.ControlPlane
	// bob is the kubeconfig of somebody who may approve.
	bob string
}

// start starts the control plane and our binaries, and returns when the guard answers.
func start(ctx context.Context) (*stage, error) {
	bin, err := filepath.Abs("bin")
	if err != nil {
		return nil, err
	}
	for _, name := range []string{"webhook", "controller", "kubectl-portcullis"} {
		if _, err := os.Stat(filepath.Join(bin, name)); err != nil {
			return nil, fmt.Errorf("finding our binaries (build them with: make build): %w", err)
		}
	}
	fmt.Println("Starting etcd, kube-apiserver, kube-controller-manager, kube-scheduler and kwok")
	plane, err := env.Start(ctx, env.Options{Controllers: true, Progress: os.Stderr})
	if err != nil {
		return nil, err
	}
	s := &stage{plane: plane, bin: bin}
	if err := s.prepare(ctx); err != nil {
		return nil, errors.Join(err, s.explain(), s.stop())
	}
	return s, nil
}

// prepare installs the webhook configurations and starts our binaries.
func (s *stage) prepare(ctx context.Context) error {
	scheme := runtime.NewScheme()
	if err := errors.Join(clientgoscheme.AddToScheme(scheme), v1beta1.AddToScheme(scheme)); err != nil {
		return err
	}
	var err error
	if s.admin, err = client.New(s.plane.Config, client.Options{Scheme: scheme}); err != nil {
		return fmt.Errorf("creating a client: %w", err)
	}
	ports, err := freePorts(3)
	if err != nil {
		return err
	}
	// A name, because the certificate that the webhook makes itself is for names.
	if err := s.install(ctx, "https://localhost:"+ports[0]); err != nil {
		return err
	}
	if err := errors.Join(s.invite(ctx), s.join(ctx)); err != nil {
		return err
	}
	fmt.Println("Starting bin/webhook and bin/controller")
	err = s.run(ctx, "webhook", s.plane.Kubeconfig, ports[1], "--port", ports[0], "--bind-address", "127.0.0.1", "--dns-names", "localhost",
		"--ca-secret-namespace", namespace, "--ca-secret-name", "portcullis-webhook-ca", "--webhook-configuration-name", "portcullis")
	if err != nil {
		return err
	}
	// A user of its own: whom the fence lets pass must not be who tells the story.
	controller, _, err := s.plane.KubeconfigFor("system:serviceaccount:portcullis-system:portcullis-controller", "system:masters")
	if err != nil {
		return err
	}
	if err := s.run(ctx, "controller", controller, ports[2]); err != nil {
		return err
	}
	return s.waitAnswered(ctx)
}

// run starts one of our binaries, and returns when it is ready.
func (s *stage) run(ctx context.Context, name, kubeconfig, healthPort string, args ...string) error {
	health := "127.0.0.1:" + healthPort
	args = append(args, "--kubeconfig", kubeconfig, "--health-probe-bind-address", health, "--metrics-bind-address", "0")
	if err := s.plane.Run(filepath.Join(s.bin, name), args...); err != nil {
		return err
	}
	return s.waitReady(ctx, health)
}

// install creates the namespace of the gateways, and sends them to the webhook at the URL.
func (s *stage) install(ctx context.Context, url string) error {
	mutating, validating, err := env.Webhooks(url, nil)
	if err != nil {
		return err
	}
	home := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}
	for _, object := range []client.Object{home, mutating, validating} {
		if err := s.admin.Create(ctx, object); err != nil {
			return fmt.Errorf("creating %T %s: %w", object, object.GetName(), err)
		}
	}
	return nil
}

// waitReady waits until what serves the address says that it is ready.
func (s *stage) waitReady(ctx context.Context, address string) error {
	err := wait.PollUntilContextTimeout(ctx, interval, patience, true, func(ctx context.Context) (bool, error) {
		if err := s.plane.Check(); err != nil {
			return false, err
		}
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
	})
	if err != nil {
		return fmt.Errorf("waiting for %s to be ready: %w", address, err)
	}
	return nil
}

// waitAnswered waits until the API server gets an answer from the webhook. The webhook is ready a moment
// before the API server has learnt to trust it.
func (s *stage) waitAnswered(ctx context.Context) error {
	question := &v1beta1.IstioGateway{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "question"}}
	var last error
	err := wait.PollUntilContextTimeout(ctx, interval, patience, true, func(ctx context.Context) (bool, error) {
		last = s.admin.Create(ctx, question.DeepCopy(), client.DryRunAll)
		// A refusal is an answer too.
		return last == nil || apierrors.IsForbidden(last) || apierrors.IsInvalid(last), nil
	})
	if err != nil {
		return fmt.Errorf("waiting for the webhook's first answer: %w: %w", err, last)
	}
	return nil
}

// path is what a PATH must begin with to find kubectl, and our plugin for it.
func (s *stage) path() string {
	return filepath.Dir(s.plane.Kubectl) + string(os.PathListSeparator) + s.bin
}

// explain shows the end of our binaries' logs, which are gone once the stage is.
func (s *stage) explain() error {
	for _, name := range []string{"webhook", "controller"} {
		log, err := os.ReadFile(filepath.Join(s.plane.Dir, "log", name+".log"))
		if err != nil {
			continue
		}
		fmt.Fprintf(os.Stderr, "\nThe end of the %s's log:\n%s\n", name, log[max(0, len(log)-logTail):])
	}
	return s.plane.Check()
}

// stop stops everything.
func (s *stage) stop() error {
	fmt.Println("\nStopping everything")
	// The controller first, which holds on to the cluster elsewhere.
	return errors.Join(s.plane.Stop(), s.leave())
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
