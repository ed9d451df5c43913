package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"portcullis.dev/portcullis/pkg/api/v1alpha1"
	"portcullis.dev/portcullis/pkg/change"
)

// approveOptions are the flags of approve.
type approveOptions struct {
	streams genericiooptions.IOStreams
	config  *kubeconfig
	// files hold gateways as they shall be; deleted and pending name stored ones.
	files            []string
	deleted, pending string
	// reason, notBefore and notAfter go into the approval.
	reason              string
	notBefore, notAfter string
	// yes asks nobody; dryRun makes nothing.
	yes, dryRun bool
	// answers are the lines of standard input.
	answers *bufio.Reader
}

// newApproveCommand shows what a change does, and approves it.
func newApproveCommand(streams genericiooptions.IOStreams) *cobra.Command {
	o := approveOptions{streams: streams, answers: bufio.NewReader(streams.In)}
	command := &cobra.Command{
		Use:   "approve (-f FILE | --delete GATEWAY | --pending GATEWAY) --reason WHY",
		Short: "Show what a change of a gateway does, and approve exactly that",
		Long: `Shows what kubectl apply of the file, the deletion of the gateway, or the upgrade that is held for it would
restart and release, asks whether that may be, and makes a ChangeApproval of exactly what it showed.

It asks the API server by a dry run, for which it needs the verb patch (or delete) on the gateway, and changes
nothing. Who has not got it is shown what is computed here with the built-in rules, and is told so. To approve takes
the verb approve on the gateway, and create on changeapprovals.

Exit status: 0 when it was approved or nothing needs approval, 1 when nothing was approved, 2 when it could not be
decided.`,
		Example: `  # What a colleague wants to apply
  kubectl portcullis approve -n istio-system -f edge.yaml --reason "CHG-1234, agreed with the shop team"

  # For the night
  kubectl portcullis approve -f edge.yaml --reason CHG-1234 --not-before 2026-12-01T22:00:00+08:00 --not-after 2026-12-02T04:00:00+08:00

  # The deletion of a gateway, and an upgrade that is held
  kubectl portcullis approve --delete edge --reason CHG-1235
  kubectl portcullis approve --pending edge --reason CHG-1236`,
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error { return o.run(command.Context()) },
	}
	flags := command.Flags()
	o.config = addKubeconfigFlags(command)
	flags.StringSliceVarP(&o.files, "filename", "f", nil, "file with the gateways as they shall be; - reads standard input, and then takes --yes")
	flags.StringVar(&o.deleted, "delete", "", "name of a gateway that shall be deleted")
	flags.StringVar(&o.pending, "pending", "", "name of a gateway whose held restart shall be let go")
	flags.StringVar(&o.reason, "reason", "", "why the change may go in, for those who read the record later")
	flags.StringVar(&o.notBefore, "not-before", "", "instant before which the approval does not count, as 2026-12-01T22:00:00+08:00; now when empty")
	flags.StringVar(&o.notAfter, "not-after", "", "instant after which it does not count; 24 hours after the other when empty")
	flags.BoolVar(&o.yes, "yes", false, "approve what is shown without asking")
	flags.BoolVar(&o.dryRun, "dry-run", false, "have the API server check the approval, and make none")
	return command
}

// run shows each change and, when it may be, approves it.
func (o *approveOptions) run(ctx context.Context) error {
	window, err := o.validate()
	if err != nil {
		return err
	}
	server, err := o.config.connect()
	if err != nil {
		return err
	}
	proposals, err := o.proposals(ctx, server)
	if err != nil {
		return err
	}
	for _, proposal := range proposals {
		if err := o.decide(ctx, server, proposal, window); err != nil {
			return err
		}
	}
	return nil
}

// window is when an approval counts; nil leaves it to the guard.
type window struct{ notBefore, notAfter *metav1.Time }

// validate refuses flags that leave open what is meant.
func (o *approveOptions) validate() (window, error) {
	named := 0
	for _, given := range []bool{len(o.files) > 0, o.deleted != "", o.pending != ""} {
		if given {
			named++
		}
	}
	if named != 1 {
		return window{}, fmt.Errorf("one of --filename, --delete and --pending must be given, are %d", named)
	}
	if strings.TrimSpace(o.reason) == "" {
		return window{}, errors.New("--reason must say why the change may go in, is empty")
	}
	var out window
	for flag, in := range map[string]struct {
		text string
		into **metav1.Time
	}{"--not-before": {o.notBefore, &out.notBefore}, "--not-after": {o.notAfter, &out.notAfter}} {
		if in.text == "" {
			continue
		}
		instant, err := time.Parse(time.RFC3339, in.text)
		if err != nil {
			return window{}, fmt.Errorf("%s must be an instant as 2026-12-01T22:00:00+08:00, is %q", flag, in.text)
		}
		*in.into = &metav1.Time{Time: instant}
	}
	return out, nil
}

// decide shows one change, asks, and approves it.
func (o *approveOptions) decide(ctx context.Context, server server, proposal proposal, window window) error {
	if err := proposal.print(o.streams.Out); err != nil {
		return err
	}
	if proposal.settled != "" {
		_, err := fmt.Fprintln(o.streams.Out, proposal.settled)
		return err
	}
	if err := o.confirm(); err != nil {
		return err
	}
	changes, err := change.ToApproved(proposal.change.Changes)
	if err != nil {
		return fmt.Errorf("writing the change: %w", err)
	}
	approval := &v1alpha1.ChangeApproval{
		ObjectMeta: metav1.ObjectMeta{Namespace: proposal.gateway.Namespace, GenerateName: proposal.gateway.Name + "-"},
		Spec: v1alpha1.ChangeApprovalSpec{
			GatewayName: proposal.gateway.Name,
			Digest:      proposal.change.Digest,
			Changes:     changes,
			Reason:      o.reason,
			NotBefore:   window.notBefore,
			NotAfter:    window.notAfter,
		},
	}
	var options []client.CreateOption
	suffix := "created"
	if o.dryRun {
		options, suffix = append(options, client.DryRunAll), "created (server dry run)"
	}
	if err := create(ctx, server, o.streams.ErrOut, approval, options...); err != nil {
		return err
	}
	_, err = fmt.Fprintf(o.streams.Out, "changeapproval.portcullis.dev/%s %s, by %s, until %s\n",
		approval.Name, suffix, approval.Spec.ApprovedBy.Username, approval.Spec.NotAfter.Format(time.RFC3339))
	return err
}

// confirm asks whether what was shown may be.
func (o *approveOptions) confirm() error {
	if o.yes {
		return nil
	}
	yes, err := confirmed(o.streams.Out, o.answers, "Approve exactly this?")
	if err != nil || yes {
		return err
	}
	_, _ = fmt.Fprintln(o.streams.ErrOut, "Nothing was approved")
	return errRefused
}
