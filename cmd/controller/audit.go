package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/spf13/pflag"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	"portcullis.dev/portcullis/pkg/audit"
	"portcullis.dev/portcullis/pkg/policy"
	"portcullis.dev/portcullis/pkg/policy/bundle"
	"portcullis.dev/portcullis/policies"
)

// auditOptions are the flags of the audit. The rules are those that the webhook decides by, so they are named as it names
// them.
type auditOptions struct {
	// interval between two audits of a gateway of which nothing changes; zero for none.
	interval time.Duration
	// config is a file with enforcement and parameters of the rules.
	config string
	// bundleConfig is a file that says where the rules come from, in OPA's format; bundleDirectory is where they are kept.
	bundleConfig, bundleDirectory string
}

// shortestInterval is the shortest pause between two audits of a gateway that means anything.
const shortestInterval = time.Second

// addFlags names the flags and their defaults.
func (o *auditOptions) addFlags(flags *pflag.FlagSet) {
	flags.DurationVar(&o.interval, "audit-interval", 10*time.Minute, "how often the rules are asked again about each gateway that there is, also when nothing changes; 0 audits nothing")
	flags.StringVar(&o.config, "config", "", "the webhook's YAML file with enforcement and parameters of the rules, for the audit")
	flags.StringVar(&o.bundleConfig, "bundle-config", "", "the webhook's file with OPA's services, bundles and keys, for the audit: the rules then come from that bundle instead of this binary")
	flags.StringVar(&o.bundleDirectory, "bundle-persist-dir", "", "directory that the last good bundle is kept in, for a restart without the server; persistence_directory of the file when empty")
}

// validate refuses flags that mean nothing.
func (o *auditOptions) validate() error {
	if o.interval != 0 && o.interval < shortestInterval {
		return fmt.Errorf("--audit-interval must be 0 or at least %s, is %s", shortestInterval, o.interval)
	}
	if o.bundleDirectory != "" && o.bundleConfig == "" {
		return errors.New("--bundle-persist-dir must come with --bundle-config, which says what to keep there")
	}
	return nil
}

// setup has the leader audit what is stored.
func (o *auditOptions) setup(mgr manager.Manager) error {
	options := audit.Options{Interval: o.interval, PerSecond: audit.DefaultPerSecond, Library: o.library(), Metrics: metrics.Registry}
	if o.config != "" {
		text, err := os.ReadFile(o.config)
		if err != nil {
			return fmt.Errorf("reading the configuration: %w", err)
		}
		configuration, err := policy.ReadConfiguration(text)
		if err != nil {
			return fmt.Errorf("%s: %w", o.config, err)
		}
		options.Rules.Enforcement, options.Rules.Parameters = configuration.Enforcement, configuration.Parameters
	}
	setLibrary, err := audit.Setup(mgr, options)
	if err != nil || o.bundleConfig == "" || o.interval == 0 {
		return err
	}
	config, err := bundle.ReadConfig(o.bundleConfig, o.bundleDirectory)
	if err != nil {
		return fmt.Errorf("reading the configuration of the bundle: %w", err)
	}
	runner, err := bundle.New(bundle.Options{Config: config, Activate: setLibrary, Changed: func(bundle.Status) {}, Metrics: metrics.Registry})
	if err != nil {
		return fmt.Errorf("preparing the bundle: %w", err)
	}
	return mgr.Add(runner)
}

// library is the rules that this binary carries; nil where they come from a bundle.
func (o *auditOptions) library() fs.FS {
	if o.bundleConfig != "" {
		return nil
	}
	return policies.FS
}
