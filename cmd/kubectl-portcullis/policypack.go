package main

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"sigs.k8s.io/yaml"

	"portcullis.dev/portcullis/pkg/api/v1alpha1"
	"portcullis.dev/portcullis/pkg/policy/author"
)

// newPolicyPackCommand makes GatewayPolicies of rules.
func newPolicyPackCommand(streams genericiooptions.IOStreams) *cobra.Command {
	return &cobra.Command{
		Use:   "pack [DIR]",
		Short: "Make GatewayPolicies of the rules in own/, for kubectl apply",
		Long: `Writes a GatewayPolicy for each folder in own/, with its rules as modules, their tests, and its parameters.yaml as
parameters. What else the policy is to say, such as which gateways it matches, is added to what is written.`,
		Example: `  kubectl portcullis policy pack rules > acme.yaml
  kubectl apply -f acme.yaml`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, folders []string) error {
			libraries, err := openAll(folders)
			if err != nil {
				return err
			}
			packed := libraries[0].Own()
			if len(packed) == 0 {
				return fmt.Errorf("%s must have rules in own/<policy>/, has none (start one with kubectl portcullis policy new NAME --policy POLICY)", shownFrom(libraries[0].root))
			}
			for i, own := range packed {
				text, err := pack(own)
				if err != nil {
					return fmt.Errorf("packing %s: %w", own.Policy, err)
				}
				if i > 0 {
					text = append([]byte("---\n"), text...)
				}
				if _, err := streams.Out.Write(text); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

// pack writes a GatewayPolicy. Rego is indented with tabs, which YAML libraries write as one long quoted line; a block
// shows it as it is.
func pack(own author.Own) ([]byte, error) {
	var out bytes.Buffer
	_, _ = fmt.Fprintf(&out, "apiVersion: %s\nkind: GatewayPolicy\nmetadata:\n  name: %s\nspec:\n", v1alpha1.GroupVersion, own.Policy)
	if len(own.Parameters) > 0 {
		text, err := yaml.Marshal(own.Parameters)
		if err != nil {
			return nil, err
		}
		_, _ = fmt.Fprintf(&out, "  parameters:\n%s", block(string(text), 4))
	}
	for _, field := range []struct {
		name  string
		files map[string]string
	}{{"modules", own.Modules}, {"tests", own.Tests}} {
		if len(field.files) > 0 {
			_, _ = fmt.Fprintf(&out, "  %s:\n", field.name)
		}
		for _, name := range slices.Sorted(maps.Keys(field.files)) {
			_, _ = fmt.Fprintf(&out, "    %s: |\n%s", name, block(field.files[name], 6))
		}
	}
	return out.Bytes(), checkPacked(out.Bytes(), own)
}

// block is a text further to the right by some spaces, line by line.
func block(text string, spaces int) string {
	var out strings.Builder
	for line := range strings.Lines(text) {
		if strings.TrimRight(line, "\n") != "" {
			line = strings.Repeat(" ", spaces) + line
		}
		out.WriteString(line)
	}
	return out.String()
}

// checkPacked refuses what would not be read as it was written: control characters, or a file without an end of line.
func checkPacked(text []byte, own author.Own) error {
	var read struct {
		Spec struct{ Modules, Tests map[string]string }
	}
	// As it is read with something after it.
	if err := yaml.Unmarshal(append(bytes.Clone(text), '\n'), &read); err != nil {
		return fmt.Errorf("rules must be text that YAML can hold: %w", err)
	}
	for name, module := range own.Modules {
		if read.Spec.Modules[name] != module {
			return fmt.Errorf("%s must be text that YAML can hold, is not (run kubectl portcullis policy lint --fix)", name)
		}
	}
	for name, test := range own.Tests {
		if read.Spec.Tests[name] != test {
			return fmt.Errorf("%s must be text that YAML can hold, is not (run kubectl portcullis policy lint --fix)", name)
		}
	}
	return nil
}
