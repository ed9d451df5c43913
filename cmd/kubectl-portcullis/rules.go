package main

import (
	"context"
	"fmt"
	"os"
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
	opts := policy.Options{Deadline: deadline}
	if config != "" {
		text, err := os.ReadFile(config)
		if err != nil {
			return nil, fmt.Errorf("reading --config: %w", err)
		}
		configuration, err := policy.ReadConfiguration(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", config, err)
		}
		opts.Enforcement, opts.Parameters = configuration.Enforcement, configuration.Parameters
	}
	var err error
	if opts.Policies, err = ruleset.Policies(with); err != nil {
		return nil, err
	}
	engine, err := policy.New(ctx, policies.FS, opts)
	if err != nil {
		return nil, fmt.Errorf("compiling the rules: %w", err)
	}
	return engine, nil
}
