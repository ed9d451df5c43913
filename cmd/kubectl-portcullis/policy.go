package main

import (
	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"
)

// newPolicyCommand is about rules and policies.
func newPolicyCommand(streams genericiooptions.IOStreams) *cobra.Command {
	command := &cobra.Command{
		Use:   "policy",
		Short: "Rules and GatewayPolicies",
		Args:  cobra.NoArgs,
	}
	command.AddCommand(newPolicyShowCommand(streams))
	return command
}
