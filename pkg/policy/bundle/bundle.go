package bundle

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/open-policy-agent/opa/v1/plugins"
	"github.com/open-policy-agent/opa/v1/plugins/bundle"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
	"github.com/prometheus/client_golang/prometheus"
	"sigs.k8s.io/controller-runtime/pkg/log"
)

// Options are what a Runner needs.
type Options struct {
	// Config is where the bundle comes from.
	Config Config
	// Activate compiles a bundle's rules and puts them in force, or says why they cannot be. It is never asked twice
	// at once.
	Activate func(ctx context.Context, rules fs.FS, revision string) error
	// Changed is told of every status that says something new. It must not wait.
	Changed func(Status)
	// Metrics is where the metrics are registered.
	Metrics prometheus.Registerer
}

// Runner keeps the newest good bundle in force.
type Runner struct {
	config   Config
	activate func(ctx context.Context, rules fs.FS, revision string) error
	record   *record
	limits   limits
	// active is the set in force. Only OPA's transactions touch it, one at a time.
	active ruleSet
}

// New prepares a Runner.
func New(opts Options) (*Runner, error) {
	record, err := newRecord(opts.Metrics, opts.Changed)
	if err != nil {
		return nil, fmt.Errorf("registering the metrics: %w", err)
	}
	return &Runner{config: opts.Config, activate: opts.Activate, record: record, limits: defaultLimits()}, nil
}

// Status says what is in force, and what is wrong with what should be.
func (r *Runner) Status() Status {
	return r.record.get()
}

// Active is closed when the first bundle, from the disk or from the server, is in force.
func (r *Runner) Active() <-chan struct{} {
	return r.record.active
}

// NeedLeaderElection says that every replica has its bundle.
func (*Runner) NeedLeaderElection() bool {
	return false
}

// Start puts the bundle that was kept in force, if there is one, and then asks the server until the context ends. What
// a server does is never an error here.
func (r *Runner) Start(ctx context.Context) (err error) {
	// OPA panics where a directory is not as it needs it.
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("running OPA's plugins: panic: %v", cause)
		}
	}()
	if err := r.prepare(); err != nil {
		return fmt.Errorf("preparing the directory for bundles: %w", err)
	}
	logger := newLogger(ctx)
	manager, err := r.manager(ctx, logger)
	if err != nil {
		return fmt.Errorf("configuring OPA's plugins: %w", err)
	}
	if err := manager.Start(ctx); err != nil {
		return fmt.Errorf("starting OPA's plugins: %w", err)
	}
	r.checkKept(ctx, logger.first.Load())
	<-ctx.Done()
	manager.Stop(context.WithoutCancel(ctx))
	return nil
}

// prepare makes sure that bundles can be kept, before there is one to keep. What OPA downloads from a registry passes
// through a folder of its own, which it never empties and cannot start from when it was cut short.
func (r *Runner) prepare() error {
	kept := filepath.Dir(r.kept())
	if err := os.MkdirAll(kept, 0o700); err != nil {
		return err
	}
	probe, err := os.CreateTemp(kept, ".probe-*")
	if err != nil {
		return err
	}
	return errors.Join(probe.Close(), os.Remove(probe.Name()), os.RemoveAll(filepath.Join(r.config.directory, "oci")))
}

// kept is the file that OPA keeps the last good bundle in.
func (r *Runner) kept() string {
	return filepath.Join(r.config.directory, "bundles", r.config.name, "bundle.tar.gz")
}

// manager is OPA's plugin manager, with the bundle plugin and what it needs to reach its service.
func (r *Runner) manager(ctx context.Context, logger logger) (*plugins.Manager, error) {
	// OPA asks with a context of its own, which knows no log.
	admit := func(asked context.Context, rules ruleSet) error {
		return r.admit(log.IntoContext(asked, log.FromContext(ctx)), rules)
	}
	store := &gate{Store: inmem.New(), bundle: r.config.name, admit: admit}
	manager, err := plugins.New(r.config.text, "portcullis", store, plugins.Logger(logger))
	if err != nil {
		return nil, err
	}
	for name, service := range r.config.services {
		auth, err := service.AuthPlugin(nil)
		if err != nil {
			return nil, err
		}
		manager.Register(transportName(name), transport{HTTPAuthPlugin: auth, limits: r.limits})
	}
	config, err := bundle.NewConfigBuilder().
		WithBytes(manager.GetConfig().Bundles).
		WithServices(manager.Services()).
		WithKeyConfigs(manager.PublicKeys()).
		Parse()
	if err != nil {
		return nil, err
	}
	plugin := bundle.New(config, manager)
	plugin.Register("portcullis", r.listener(ctx))
	manager.Register(bundle.Name, plugin)
	return manager, nil
}

// admit puts a set of rules in force.
func (r *Runner) admit(ctx context.Context, rules ruleSet) error {
	if rules.same(r.active) {
		// A server without ETags, or OPA's own housekeeping.
		return nil
	}
	if err := r.activate(ctx, rules.files, rules.revision); err != nil {
		return fmt.Errorf("revision %s: %w", rules.revision, err)
	}
	r.active = rules
	r.record.activated(rules.revision)
	log.FromContext(ctx).Info("Activated the bundle", "revision", rules.revision)
	return nil
}

// listener hears from OPA what came of each question to the server.
func (r *Runner) listener(ctx context.Context) func(bundle.Status) {
	return func(status bundle.Status) {
		switch {
		case ctx.Err() != nil:
			// We are stopping: that a question was cut short says nothing.
		case status.Code == "":
			r.record.current()
		default:
			r.fail(ctx, reason(status))
		}
	}
}

// reason is what OPA says is wrong. Of modules that do not compile it says only that in its message, and the rest in
// a list.
func reason(status bundle.Status) error {
	if len(status.Errors) > 0 {
		return fmt.Errorf("compiling: %w", errors.Join(status.Errors...))
	}
	return errors.New(status.Message)
}

// checkKept says so when there is a bundle on the disk that could not be used. Of that OPA tells nobody but its log, and
// it is the first thing that it tries.
func (r *Runner) checkKept(ctx context.Context, said *string) {
	if _, err := os.Stat(r.kept()); err != nil || said == nil || !r.Status().Since.IsZero() {
		return
	}
	r.fail(ctx, fmt.Errorf("reading the bundle kept in %s: %s", r.kept(), *said))
}

// fail notes what is wrong, and writes a line when that is news.
func (r *Runner) fail(ctx context.Context, err error) {
	if !r.record.failed(err) {
		return
	}
	message := "Kept the last good bundle"
	if r.Status().Revision == "" {
		message = "Found no bundle to begin with"
	}
	log.FromContext(ctx).Error(err, message, "revision", r.Status().Revision)
}
