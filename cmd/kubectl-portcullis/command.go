package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"
)

// newCommand is the plugin's command line.
func newCommand(streams genericiooptions.IOStreams) *cobra.Command {
	command := &cobra.Command{
		Use:           "kubectl-portcullis",
		Short:         "Decisions of Portcullis at a terminal and in CI",
		Annotations:   map[string]string{cobra.CommandDisplayNameAnnotation: "kubectl portcullis"},
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	command.SetIn(streams.In)
	command.SetOut(streams.Out)
	command.SetErr(streams.ErrOut)
	command.AddCommand(newReviewCommand(streams), newRolloutCommand(streams), newPolicyCommand(streams), newApproveCommand(streams), newApprovalsCommand(streams), newAuditCommand(streams))
	return command
}

// newReviewCommand says what would become of gateways in files.
func newReviewCommand(streams genericiooptions.IOStreams) *cobra.Command {
	o := reviewOptions{streams: streams}
	command := &cobra.Command{
		Use:   "review -f FILE [--old FILE] [--with FILE]",
		Short: "Say whether gateways would be admitted, without any cluster",
		Long: `Says of each IstioGateway in the files what the guard would: what it would fill in, whether it would let
the change in, and why not. Needs no cluster.

Exit status: 0 when everything would be admitted, 1 when something would be refused, 2 when that could not be
decided.`,
		Example: `  # A new gateway, with nothing known of the clusters
  kubectl portcullis review -f edge.yaml

  # A change, with the clusters as they are registered
  kubectl get gatewayclusters -o yaml > clusters.yaml
  kubectl portcullis review -f edge.yaml --old edge.live.yaml --with clusters.yaml

  # The same, from the cluster itself
  kubectl portcullis review -f edge.yaml --server

  # In a pipeline
  kubectl portcullis review -f gateways/ -o json

  # Keep the decisions, to try other rules on them later
  kubectl portcullis review -f gateways/ --record decisions.jsonl`,
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			if !slices.Contains(outputs(), o.output) {
				return fmt.Errorf("--output must be one of %s, is %q", strings.Join(outputs(), ", "), o.output)
			}
			if len(o.files) == 0 {
				return errors.New("--filename must name a file with gateways, is empty")
			}
			if o.server && len(o.with)+len(o.old) > 0 {
				return errors.New("--server must come without --with and --old: both are taken from one of them")
			}
			return o.run(command.Context())
		},
	}
	o.addFlags(command)
	return command
}

// addFlags names the flags and their defaults.
func (o *reviewOptions) addFlags(command *cobra.Command) {
	flags := command.Flags()
	flags.StringSliceVarP(&o.files, "filename", "f", nil, "file or directory with the gateways; - reads standard input")
	flags.StringSliceVar(&o.old, "old", nil, "file with the gateways as they are stored; without it each one is new")
	flags.StringSliceVar(&o.with, "with", nil, "file with the GatewayClusters that are registered, the GatewayPolicies that hold and other IstioGateways; without GatewayClusters every cluster that a gateway names is taken as registered")
	flags.StringVar(&o.config, "config", "", "configuration file of the webhook, with enforcement and parameters of the rules")
	flags.StringVarP(&o.namespace, "namespace", "n", "default", "namespace of gateways that name none")
	o.cluster = addClusterFlags(command, &o.server, "take the stored gateways and all that decides from the cluster, and ask as who you are there")
	flags.StringVar(&o.user, "as", "", "user who asks")
	// Not a slice: names of groups in a directory hold commas.
	flags.StringArrayVar(&o.groups, "as-group", nil, "group of the user who asks")
	flags.StringVar(&o.record, "record", "", "file to append the rules' decisions to, for policy replay; what the schema refuses no rule decides")
	flags.StringVarP(&o.output, "output", "o", "table", "how to print: "+strings.Join(outputs(), ", "))
}
