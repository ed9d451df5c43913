package main

import (
	"fmt"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"portcullis.dev/portcullis/pkg/policy/author"
)

// newPolicyNewCommand starts a rule.
func newPolicyNewCommand(streams genericiooptions.IOStreams) *cobra.Command {
	var scaffold author.Scaffold
	var folder string
	command := &cobra.Command{
		Use:   "new NAME [--policy POLICY]",
		Short: "Start a rule and its test",
		Long: `Writes a rule and its test that pass policy test and policy lint as they are, for you to make yours. Nothing that is
there is ever overwritten.

With --policy it is a rule of a GatewayPolicy of that name, which policy pack makes of it; otherwise one of a library.`,
		Example: `  # A rule of the GatewayPolicy acme, in rules/own/acme/validate/owner
  kubectl portcullis policy new owner --policy acme --dir rules

  # A rule of a library that fills in, in policies/mutate/owner
  kubectl portcullis policy new owner --mutate --dir policies`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			scaffold.Name = args[0]
			files, err := scaffold.Write(folder)
			if err != nil {
				return fmt.Errorf("starting the rule: %w", err)
			}
			for _, file := range files {
				_, _ = fmt.Fprintln(streams.Out, file)
			}
			return nil
		},
	}
	command.Flags().BoolVar(&scaffold.Mutate, "mutate", false, "start a rule that fills in what is absent, not one that refuses")
	command.Flags().StringVar(&scaffold.Policy, "policy", "", "GatewayPolicy that the rule is for; without it the rule is one of a library")
	command.Flags().StringVar(&folder, "dir", ".", "folder that validate/, mutate/ or own/ are in")
	return command
}
