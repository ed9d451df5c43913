package main

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"time"

	"portcullis.dev/portcullis/pkg/api/v1alpha1"
	"portcullis.dev/portcullis/pkg/policy"
	"portcullis.dev/portcullis/pkg/ruleset"
	"portcullis.dev/portcullis/policies"
)

// deadline of one evaluation. A terminal is in no hurry; a rule that never ends is stopped all the same.
const deadline = 10 * time.Second

// compiled compiles the built-in rules with a configuration file, if one is named, and with policies.
func compiled(ctx context.Context, config string, with []v1alpha1.GatewayPolicy) (*policy.Engine, error) {
	opts, err := configured(config)
	if err != nil {
		return nil, err
	}
	if opts.Policies, err = ruleset.Policies(with); err != nil {
		return nil, err
	}
	return compiledOf(ctx, policies.FS, opts)
}

// compiledIn compiles the rules in a folder with a configuration file, if one is named, and with policies. The policies in
// the folder match every gateway, and go before those of the same names.
func compiledIn(ctx context.Context, folder, config string, with []v1alpha1.GatewayPolicy) (*policy.Engine, error) {
	library, err := open([]string{folder})
	if err != nil {
		return nil, err
	}
	rules, err := library.FS()
	if err != nil {
		return nil, err
	}
	opts, err := configured(config)
	if err != nil {
		return nil, err
	}
	if opts.Policies, err = ruleset.Policies(with); err != nil {
		return nil, err
	}
	for _, own := range library.Own() {
		opts.Policies = slices.DeleteFunc(opts.Policies, func(p policy.Policy) bool { return p.Name == own.Policy })
		opts.Policies = append(opts.Policies, policy.Policy{Name: own.Policy, Parameters: own.Parameters, Modules: own.Modules})
	}
	return compiledOf(ctx, rules, opts)
}

// configured are the options of a configuration file, if one is named.
func configured(config string) (policy.Options, error) {
	opts := policy.Options{Deadline: deadline}
	if config == "" {
		return opts, nil
	}
	text, err := os.ReadFile(config)
	if err != nil {
		return opts, fmt.Errorf("reading --config: %w", err)
	}
	configuration, err := policy.ReadConfiguration(text)
	if err != nil {
		return opts, fmt.Errorf("%s: %w", config, err)
	}
	opts.Enforcement, opts.Parameters = configuration.Enforcement, configuration.Parameters
	return opts, nil
}

// compiledOf compiles some rules.
func compiledOf(ctx context.Context, rules fs.FS, opts policy.Options) (*policy.Engine, error) {
	engine, err := policy.New(ctx, rules, opts)
	if err != nil {
		return nil, fmt.Errorf("compiling the rules: %w", err)
	}
	return engine, nil
}
