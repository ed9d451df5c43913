package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/api/v1alpha1"
	"portcullis.dev/portcullis/pkg/gateway"
	"portcullis.dev/portcullis/pkg/review"
)

// newApprovalsCommand lists approvals with their state.
func newApprovalsCommand(streams genericiooptions.IOStreams) *cobra.Command {
	var config *kubeconfig
	command := &cobra.Command{
		Use:   "approvals [GATEWAY]",
		Short: "List approvals, and which of them still count",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			server, err := config.connect()
			if err != nil {
				return err
			}
			return listApprovals(command.Context(), server, streams.Out, args, time.Now())
		},
	}
	config = addKubeconfigFlags(command)
	return command
}

// listApprovals prints the approvals of a namespace, or of the one gateway that is named there, the newest last.
func listApprovals(ctx context.Context, server server, out io.Writer, only []string, now time.Time) error {
	approvals, gateways := &v1alpha1.ChangeApprovalList{}, &v1beta1.IstioGatewayList{}
	if err := server.List(ctx, approvals, client.InNamespace(server.namespace)); err != nil {
		return fmt.Errorf("listing the approvals: %w", err)
	}
	if err := server.List(ctx, gateways, client.InNamespace(server.namespace)); err != nil {
		return fmt.Errorf("listing the gateways: %w", err)
	}
	known := map[string]*v1beta1.IstioGateway{}
	for i := range gateways.Items {
		known[gateways.Items[i].Name] = &gateways.Items[i]
	}
	slices.SortStableFunc(approvals.Items, func(a, b v1alpha1.ChangeApproval) int {
		return a.CreationTimestamp.Compare(b.CreationTimestamp.Time)
	})
	table := tabwriter.NewWriter(out, 0, 0, 3, ' ', 0)
	lines := []string{"NAME\tGATEWAY\tSTATE\tAPPROVED BY\tNOT AFTER\tDIGEST\tREASON"}
	for _, approval := range approvals.Items {
		if len(only) > 0 && approval.Spec.GatewayName != only[0] {
			continue
		}
		lines = append(lines, strings.Join(row(approval, known[approval.Spec.GatewayName], now), "\t"))
	}
	if _, err := fmt.Fprintln(table, strings.Join(lines, "\n")); err != nil {
		return err
	}
	return table.Flush()
}

// row is a line about an approval: what it is worth for the change that it is of.
func row(approval v1alpha1.ChangeApproval, gw *v1beta1.IstioGateway, now time.Time) []string {
	uid, named := "", []string(nil)
	if gw != nil {
		uid, named = string(gw.UID), strings.Split(gw.Annotations[gateway.AnnotationApprovedBy], ",")
	}
	by, until := "-", "-"
	if approval.Spec.ApprovedBy != nil {
		by = approval.Spec.ApprovedBy.Username
	}
	if approval.Spec.NotAfter != nil {
		until = approval.Spec.NotAfter.UTC().Format(time.RFC3339)
	}
	const shown = len("sha256:") + 12
	return []string{
		approval.Name, approval.Spec.GatewayName,
		review.ApprovalState(approval, uid, approval.Spec.Digest, named, now),
		by, until, approval.Spec.Digest[:min(shown, len(approval.Spec.Digest))], approval.Spec.Reason,
	}
}
