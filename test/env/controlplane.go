// Package env starts a control plane of the project's own, for the suites and the demo: a real API server,
// and on request the controllers, the scheduler and the fake nodes that bring its objects to life.
package env

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
)

// Options say what to start.
type Options struct {
	// Controllers starts kube-controller-manager, kube-scheduler and fake nodes too, so that a Deployment's
	// pods become Ready and a Service of type LoadBalancer gets an address.
	Controllers bool
	// Audit makes the API server keep a record of every request that writes, in the file AuditLog.
	Audit bool
	// Flags are further flags of the API server.
	Flags map[string]string
	// Progress hears of programs that have to be built first; nobody does when it is nil.
	Progress io.Writer
}

// ControlPlane is a running control plane. Its API server knows our CRDs, authorizes by RBAC and can call
// webhooks on 127.0.0.1.
type ControlPlane struct {
	// Config reaches the API server as an administrator, and so does the file Kubeconfig.
	Config     *rest.Config
	Kubeconfig string
	// Kubectl is the path of a kubectl of the API server's version.
	Kubectl string
	// AuditLog is where the record of requests is, an event of audit.k8s.io in JSON a line.
	AuditLog string
	// Dir holds everything temporary, until Stop removes it; logs are in log/.
	Dir string

	environment *envtest.Environment
	processes   []*process
}

// Start starts a control plane. When it cannot, it stops what already ran and leaves Dir, for its logs.
func Start(ctx context.Context, options Options) (*ControlPlane, error) {
	progress := options.Progress
	if progress == nil {
		progress = io.Discard
	}
	assets, err := Assets(ctx, progress)
	if err != nil {
		return nil, fmt.Errorf("preparing the control plane's programs: %w", err)
	}
	dir, err := os.MkdirTemp("", "portcullis-")
	if err != nil {
		return nil, fmt.Errorf("creating a temporary directory: %w", err)
	}
	plane := &ControlPlane{Dir: dir, Kubectl: filepath.Join(assets, "kubectl")}
	if err := plane.start(ctx, assets, options); err != nil {
		return nil, errors.Join(fmt.Errorf("starting the control plane: %w; logs are in %s", err, filepath.Join(dir, "log")), plane.halt())
	}
	return plane, nil
}

// Stop ends every program, the last one started first, and removes Dir.
func (c *ControlPlane) Stop() error {
	return errors.Join(c.halt(), os.RemoveAll(c.Dir))
}

// KubeconfigFor returns a kubeconfig file, and the same as a client's configuration, for another user.
func (c *ControlPlane) KubeconfigFor(user string, groups ...string) (string, *rest.Config, error) {
	added, err := c.environment.AddUser(envtest.User{Name: user, Groups: groups}, nil)
	if err != nil {
		return "", nil, fmt.Errorf("adding user %s: %w", user, err)
	}
	content, err := added.KubeConfig()
	if err != nil {
		return "", nil, fmt.Errorf("making a kubeconfig for user %s: %w", user, err)
	}
	// The user's name may not be a file's.
	file, err := os.CreateTemp(c.Dir, "*.kubeconfig")
	if err != nil {
		return "", nil, fmt.Errorf("creating the kubeconfig of user %s: %w", user, err)
	}
	_, err = file.Write(content)
	if err := errors.Join(err, file.Close()); err != nil {
		return "", nil, fmt.Errorf("writing the kubeconfig of user %s: %w", user, err)
	}
	return file.Name(), added.Config(), nil
}

// start starts the programs, and returns when they do their work.
func (c *ControlPlane) start(ctx context.Context, assets string, options Options) error {
	for _, name := range []string{"bin", "log", "etcd", "apiserver"} {
		if err := os.Mkdir(filepath.Join(c.Dir, name), 0o755); err != nil {
			return err
		}
	}
	if err := c.startServer(ctx, assets, options); err != nil {
		return err
	}
	if !options.Controllers {
		return nil
	}
	return c.startControllers(ctx, assets)
}

// halt ends every program, the last one started first.
func (c *ControlPlane) halt() error {
	for _, p := range slices.Backward(c.processes) {
		p.stop()
	}
	if c.environment == nil {
		return nil
	}
	return c.environment.Stop()
}
