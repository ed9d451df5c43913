package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/cli-runtime/pkg/genericiooptions"
)

// auditOptions are the flags of audit.
type auditOptions struct {
	streams genericiooptions.IOStreams
	// files hold the gateways; without any they are those of the cluster.
	files []string
	// with are files with clusters, policies and other gateways; those of the same names in the cluster give way to them.
	with []string
	// rules is a folder of rules to ask instead of those that the binary carries; empty for none.
	rules string
	// config is the webhook's own configuration file.
	config  string
	cluster *kubeconfig
	// allNamespaces audits gateways of all of them, selector those with some labels.
	allNamespaces bool
	selector      string
	// output is one of auditOutputs.
	output string
}

// auditOutputs are the ways to print an audit.
func auditOutputs() []string {
	return append(outputs(), "sarif", "junit")
}

// newAuditCommand says what the guard would say of gateways that are there already.
func newAuditCommand(streams genericiooptions.IOStreams) *cobra.Command {
	o := auditOptions{streams: streams}
	command := &cobra.Command{
		Use:   "audit [-f FILE] [--with FILE] [--rules DIR]",
		Short: "Say which gateways that there are the guard would refuse if they came now",
		Long: `Asks the rules about every gateway as if it were made now: those of the cluster, by the GatewayClusters and
GatewayPolicies that are there, or those in files. Changes nothing. Rules that judge changes, such as those about
approvals, have nothing to say.

With --rules or --with it tells beforehand what a set of rules, or a GatewayPolicy, would refuse once it held.

Exit status: 0 when nothing would be refused, 1 when something would be, 2 when that could not be decided.`,
		Example: `  # Every gateway of the cluster, by what holds there
  kubectl portcullis audit -A

  # What a GatewayPolicy would refuse, before it is applied
  kubectl portcullis audit -A --with acme.yaml

  # The same for a folder of rules
  kubectl portcullis audit -A --rules policies

  # In a pipeline, without a cluster
  kubectl portcullis audit -f gateways/ --with clusters.yaml -o sarif > audit.sarif`,
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			if err := o.validate(); err != nil {
				return err
			}
			return o.run(command.Context())
		},
	}
	o.addFlags(command)
	return command
}

// addFlags names the flags and their defaults.
func (o *auditOptions) addFlags(command *cobra.Command) {
	flags := command.Flags()
	flags.StringSliceVarP(&o.files, "filename", "f", nil, "file or directory with the gateways, instead of those of the cluster; - reads standard input")
	flags.StringSliceVar(&o.with, "with", nil, "file with GatewayClusters, GatewayPolicies and other IstioGateways, which go before those of the cluster; with --filename and no GatewayCluster every cluster that a gateway names is taken as registered")
	flags.StringVar(&o.rules, "rules", "", "folder of rules to try, instead of those that this binary carries; a GatewayPolicy among them goes before the one of that name")
	flags.StringVar(&o.config, "config", "", "configuration file of the webhook, with enforcement and parameters of the rules")
	o.cluster = addKubeconfigFlags(command)
	flags.BoolVarP(&o.allNamespaces, "all-namespaces", "A", false, "audit the gateways of all namespaces")
	flags.StringVarP(&o.selector, "selector", "l", "", "audit only gateways with these labels, for example team=web,tier!=test")
	flags.StringVarP(&o.output, "output", "o", "table", "how to print: "+strings.Join(auditOutputs(), ", "))
}

// validate refuses flags that mean nothing.
func (o *auditOptions) validate() error {
	if !slices.Contains(auditOutputs(), o.output) {
		return fmt.Errorf("--output must be one of %s, is %q", strings.Join(auditOutputs(), ", "), o.output)
	}
	if slices.Contains(o.files, "-") && slices.Contains(o.with, "-") {
		return errors.New("--filename and --with must not both read standard input")
	}
	if _, err := labels.Parse(o.selector); err != nil {
		return fmt.Errorf("--selector must be a selector of labels, is %q: %w", o.selector, err)
	}
	return nil
}
