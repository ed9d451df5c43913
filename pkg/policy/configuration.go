package policy

import (
	"fmt"

	"sigs.k8s.io/yaml"
)

// Where an enforcement or a parameter can come from, beside a GatewayPolicy.
const (
	FromDefaults      = "defaults"
	FromConfiguration = "configuration"
)

// fromPolicy says that something comes from a policy.
func fromPolicy(name string) string {
	return "GatewayPolicy " + name
}

// Configuration is what an installation states for all gateways.
type Configuration struct {
	// Enforcement by the validating rule's code.
	Enforcement map[string]Enforcement `json:"enforcement"`
	// Parameters by the rule's code.
	Parameters map[string]any `json:"parameters"`
}

// ReadConfiguration reads the YAML of a configuration file. New checks what it says.
func ReadConfiguration(text []byte) (Configuration, error) {
	var out Configuration
	if err := yaml.UnmarshalStrict(text, &out); err != nil {
		return Configuration{}, fmt.Errorf("reading the configuration: %w", err)
	}
	return out, nil
}
