package main

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/api/v1alpha1"
)

// newRolloutCommand shows which restarts are held, and approves them.
func newRolloutCommand(streams genericiooptions.IOStreams) *cobra.Command {
	var everywhere bool
	o := rolloutOptions{streams: streams, interval: time.Second, answers: bufio.NewReader(streams.In)}
	command := &cobra.Command{
		Use:   "rollout [GATEWAY...] [--reason REASON]",
		Short: "Show which restarts are held, and approve them",
		Long: `Shows which restarts the controller holds until somebody approves them: upgrades of the mesh or of Portcullis,
and what went past the guard. With --reason it asks for each gateway whether to approve it, and makes a ChangeApproval
of exactly what it showed.

With --wave it approves that many gateways, waits until all of them have rolled and are Ready, and goes on with the next
ones; it stops when one is not Ready in time.

Exit status: 0 when everything was shown or approved as asked, 1 when an approval was refused, 2 when something else
went wrong.`,
		Example: `  # What is held, in all namespaces
  kubectl portcullis rollout -A

  # One gateway
  kubectl portcullis rollout edge -n istio-system --reason 'proxy 1.27, ticket 4711'

  # The fleet, five gateways at a time
  kubectl portcullis rollout -A --wave 5 --yes --reason 'proxy 1.27, ticket 4711'`,
		RunE: func(command *cobra.Command, names []string) error {
			if err := o.check(); err != nil {
				return err
			}
			server, err := o.config.connect()
			if err != nil {
				return err
			}
			namespace := server.namespace
			if everywhere {
				namespace = metav1.NamespaceAll
			}
			return o.run(command.Context(), server, namespace, names)
		},
	}
	flags := command.Flags()
	o.config = addKubeconfigFlags(command)
	flags.BoolVarP(&everywhere, "all-namespaces", "A", false, "gateways of all namespaces")
	flags.StringVar(&o.reason, "reason", "", "why to approve, for those who read the record later; without it nothing is approved")
	flags.BoolVarP(&o.yes, "yes", "y", false, "approve without asking")
	flags.IntVar(&o.wave, "wave", 0, "approve this many gateways, and wait until they are Ready before the next; 0 waits for none")
	flags.DurationVar(&o.timeout, "timeout", 10*time.Minute, "how long a gateway of a wave may take to be Ready")
	return command
}

// printPending prints a row for each gateway, and below it what would restart its pods.
func printPending(out io.Writer, held []v1beta1.IstioGateway) error {
	table := tabwriter.NewWriter(out, 0, 0, 3, ' ', 0)
	_, _ = fmt.Fprintln(table, "GATEWAY\tCLUSTERS\tPODS\tREASON\tDIGEST")
	for _, gw := range held {
		clusters, pods := concerned(gw)
		pending := gw.Status.Pending
		_, _ = fmt.Fprintf(table, "%s/%s\t%s\t%d\t%s\t%s\n", gw.Namespace, gw.Name, strings.Join(clusters, ","), pods, pending.Reason, pending.Digest)
		for _, change := range pending.Changes {
			_, _ = fmt.Fprintf(table, "  %s\n", sentence(change))
		}
	}
	// The writer keeps the first error.
	return table.Flush()
}

// concerned are the clusters of a gateway where its pods would restart, and how many these are.
func concerned(gw v1beta1.IstioGateway) (clusters []string, pods int32) {
	for _, change := range gw.Status.Pending.Changes {
		clusters = append(clusters, change.Clusters...)
	}
	slices.Sort(clusters)
	clusters = slices.Compact(clusters)
	for _, entry := range gw.Status.Clusters {
		if slices.Contains(clusters, entry.ClusterID) {
			pods += entry.Replicas
		}
	}
	return clusters, pods
}

// sentence says what of one field would change.
func sentence(change v1alpha1.ApprovedChange) string {
	words := []string{"(not set)", "(not set)"}
	if change.Before != nil {
		words[0] = string(change.Before.Raw)
	}
	if change.After != nil {
		words[1] = string(change.After.Raw)
	}
	return fmt.Sprintf("%s in %s: %s -> %s", change.Path, strings.Join(change.Clusters, ", "), words[0], words[1])
}
