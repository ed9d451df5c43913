package main

import (
	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"
)

// newPolicyCommand is what authors of rules work with.
func newPolicyCommand(streams genericiooptions.IOStreams) *cobra.Command {
	command := &cobra.Command{Use: "policy", Short: "Write, test and try out rules", Args: cobra.NoArgs}
	command.AddCommand(newPolicyBuildCommand(streams))
	return command
}
