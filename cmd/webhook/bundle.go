package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"

	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	"portcullis.dev/portcullis/pkg/policy/bundle"
)

// activate compiles the rules of a library and puts them in force, or says why they cannot be.
type activate func(ctx context.Context, rules fs.FS, revision string) error

// addBundle has the rules come from a bundle, and tells people how that goes. What it returns is closed when there are
// rules in force: until then the webhook is not ready and does not listen.
func addBundle(mgr manager.Manager, o options, activate activate) (<-chan struct{}, error) {
	config, err := bundle.ReadConfig(o.bundleConfig, o.bundleDirectory)
	if err != nil {
		return nil, fmt.Errorf("reading the configuration: %w", err)
	}
	reporter := newBundleReporter(mgr, o)
	runner, err := bundle.New(bundle.Options{Config: config, Activate: activate, Changed: reporter.report, Metrics: metrics.Registry})
	if err != nil {
		return nil, err
	}
	if err := errors.Join(mgr.Add(reporter), mgr.Add(runner)); err != nil {
		return nil, err
	}
	return runner.Active(), mgr.AddReadyzCheck("bundle", func(*http.Request) error { return isActive(runner.Status()) })
}

// isActive says why there are no rules in force, if there are none. What is wrong with a newer bundle is no reason to
// stop deciding by the last good one.
func isActive(status bundle.Status) error {
	if status.Revision != "" {
		return nil
	}
	if status.Err != nil {
		return fmt.Errorf("no bundle is in force yet: %w", status.Err)
	}
	return errors.New("no bundle is in force yet")
}
