package env

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"sigs.k8s.io/controller-runtime/pkg/envtest"
)

//go:embed audit.yaml
var auditPolicy []byte

// startServer starts etcd and the API server through envtest, and installs our CRDs.
func (c *ControlPlane) startServer(ctx context.Context, assets string, options Options) error {
	root, err := moduleRoot(ctx)
	if err != nil {
		return err
	}
	c.environment = &envtest.Environment{
		CRDDirectoryPaths:     []string{filepath.Join(root, "charts", "portcullis", "files", "crds")},
		ErrorIfCRDPathMissing: true,
		// Whoever has this variable set for other projects still gets our own server.
		UseExistingCluster: new(false),
	}
	closeLogs, err := c.describe(assets, options)
	if err != nil {
		return err
	}
	// The programs have them open themselves by the time they run.
	defer closeLogs()
	if c.Config, err = c.environment.Start(); err != nil {
		return err
	}
	c.Kubeconfig = filepath.Join(c.Dir, "admin.kubeconfig")
	if err := os.WriteFile(c.Kubeconfig, c.environment.KubeConfig, 0o600); err != nil {
		return fmt.Errorf("writing the kubeconfig: %w", err)
	}
	return c.waitForSchemas(ctx)
}

// describe tells envtest how to start etcd and the API server. It makes the latter authorize by RBAC.
func (c *ControlPlane) describe(assets string, options Options) (closeLogs func(), err error) {
	etcd, etcdErr := c.tethered(filepath.Join(assets, "etcd"))
	etcdLog, etcdLogErr := c.logFile("etcd")
	server, serverErr := c.tethered(filepath.Join(assets, "kube-apiserver"))
	serverLog, serverLogErr := c.logFile("kube-apiserver")
	if err := errors.Join(etcdErr, etcdLogErr, serverErr, serverLogErr); err != nil {
		return nil, err
	}
	c.environment.ControlPlane = envtest.ControlPlane{
		Etcd:        &envtest.Etcd{Path: etcd, DataDir: filepath.Join(c.Dir, "etcd"), Out: etcdLog, Err: etcdLog},
		APIServer:   &envtest.APIServer{Path: server, CertDir: filepath.Join(c.Dir, "apiserver"), Out: serverLog, Err: serverLog},
		KubectlPath: c.Kubectl,
	}
	// envtest's own range has room for 254 Services.
	c.environment.ControlPlane.APIServer.Configure().Set("service-cluster-ip-range", "10.96.0.0/16")
	if options.Controllers {
		// envtest turns off the admission of ServiceAccounts because nobody makes the default one. Now
		// somebody does, and a pod without its ServiceAccount should not start here either.
		c.environment.ControlPlane.APIServer.Configure().Disable("disable-admission-plugins")
	}
	for name, value := range options.Flags {
		c.environment.ControlPlane.APIServer.Configure().Set(name, value)
	}
	if options.Audit {
		if err := c.audit(); err != nil {
			return nil, err
		}
	}
	return func() { _ = errors.Join(etcdLog.Close(), serverLog.Close()) }, nil
}

// audit makes the API server keep a record of every request that writes.
func (c *ControlPlane) audit() error {
	policy := filepath.Join(c.Dir, "audit-policy.yaml")
	if err := os.WriteFile(policy, auditPolicy, 0o600); err != nil {
		return fmt.Errorf("writing the audit policy: %w", err)
	}
	c.AuditLog = filepath.Join(c.Dir, "log", "audit.log")
	arguments := c.environment.ControlPlane.APIServer.Configure()
	arguments.Set("audit-policy-file", policy)
	arguments.Set("audit-log-path", c.AuditLog)
	return nil
}
