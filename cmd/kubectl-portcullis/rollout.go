package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/api/v1alpha1"
)

// rolloutOptions are the flags of rollout.
type rolloutOptions struct {
	streams genericiooptions.IOStreams
	config  *kubeconfig
	// reason is why to approve; without one, rollout shows and approves nothing.
	reason string
	// yes approves without asking.
	yes bool
	// wave is how many gateways may roll at once; zero waits for none.
	wave int
	// timeout is how long a wave may take to be Ready, interval how often we look.
	timeout, interval time.Duration
	// answers are the lines of standard input.
	answers *bufio.Reader
}

// check refuses flags that make no sense.
func (o *rolloutOptions) check() error {
	switch {
	case o.wave < 0:
		return fmt.Errorf("--wave must not be negative, is %d", o.wave)
	case o.timeout <= 0:
		return fmt.Errorf("--timeout must be positive, is %s", o.timeout)
	case o.reason == "" && o.yes:
		return errors.New("--yes approves, and needs a --reason for those who read the record later")
	}
	return nil
}

// run shows what is pending of the named gateways, or of all, and approves it if somebody gives a reason.
func (o *rolloutOptions) run(ctx context.Context, server client.Client, namespace string, names []string) error {
	held, err := heldGateways(ctx, server, namespace, names)
	if err != nil {
		return err
	}
	if len(held) == 0 {
		_, err := fmt.Fprintln(o.streams.Out, "Nothing is pending")
		return err
	}
	if err := printPending(o.streams.Out, held); err != nil {
		return fmt.Errorf("printing: %w", err)
	}
	if o.reason == "" {
		_, err := fmt.Fprintln(o.streams.Out, "\nTo approve it, gateway by gateway, run this again with --reason")
		return err
	}
	size := len(held)
	if o.wave > 0 {
		size = o.wave
	}
	for wave := range slices.Chunk(held, size) {
		approved, err := o.approveAll(ctx, server, wave)
		if err != nil {
			return err
		}
		if o.wave == 0 {
			continue
		}
		if err := o.await(ctx, server, approved); err != nil {
			return err
		}
	}
	return nil
}

// approveAll approves what is pending of gateways, as it was shown, and returns those that were approved.
func (o *rolloutOptions) approveAll(ctx context.Context, server client.Client, wave []v1beta1.IstioGateway) ([]v1beta1.IstioGateway, error) {
	var approved []v1beta1.IstioGateway
	for i := range wave {
		gw := &wave[i]
		yes, err := o.confirm(gw)
		if err != nil {
			return approved, err
		}
		if !yes {
			continue
		}
		approval := approvalOf(gw, o.reason)
		if err := create(ctx, server, o.streams.ErrOut, approval); err != nil {
			return approved, fmt.Errorf("approving what is pending of IstioGateway %s/%s: %w", gw.Namespace, gw.Name, err)
		}
		if _, err := fmt.Fprintf(o.streams.Out, "Approved %s/%s: changeapproval/%s\n", gw.Namespace, gw.Name, approval.Name); err != nil {
			return approved, err
		}
		approved = append(approved, *gw)
	}
	return approved, nil
}

// confirm asks whether to approve what is pending of a gateway.
func (o *rolloutOptions) confirm(gw *v1beta1.IstioGateway) (bool, error) {
	if o.yes {
		return true, nil
	}
	return confirmed(o.streams.Out, o.answers, fmt.Sprintf("Approve the restart of %s/%s?", gw.Namespace, gw.Name))
}

// approvalOf approves exactly what is pending of a gateway.
func approvalOf(gw *v1beta1.IstioGateway, reason string) *v1alpha1.ChangeApproval {
	return &v1alpha1.ChangeApproval{
		ObjectMeta: metav1.ObjectMeta{Namespace: gw.Namespace, GenerateName: gw.Name + "-"},
		Spec: v1alpha1.ChangeApprovalSpec{
			GatewayName: gw.Name,
			Digest:      gw.Status.Pending.Digest,
			Changes:     gw.Status.Pending.Changes,
			Reason:      reason,
		},
	}
}

// heldGateways lists the gateways of which something is pending that nobody approved yet, by namespace and name.
func heldGateways(ctx context.Context, server client.Client, namespace string, names []string) ([]v1beta1.IstioGateway, error) {
	list := &v1beta1.IstioGatewayList{}
	if err := server.List(ctx, list, client.InNamespace(namespace)); err != nil {
		return nil, fmt.Errorf("listing IstioGateways: %w", err)
	}
	for _, name := range names {
		if !slices.ContainsFunc(list.Items, func(gw v1beta1.IstioGateway) bool { return gw.Name == name }) {
			return nil, fmt.Errorf("there is no IstioGateway %s in namespace %q", name, namespace)
		}
	}
	held := slices.DeleteFunc(list.Items, func(gw v1beta1.IstioGateway) bool {
		return gw.Status.Pending == nil || gw.Status.Pending.ReleasedBy != "" || (len(names) > 0 && !slices.Contains(names, gw.Name))
	})
	slices.SortFunc(held, func(a, b v1beta1.IstioGateway) int {
		return strings.Compare(a.Namespace+"/"+a.Name, b.Namespace+"/"+b.Name)
	})
	return held, nil
}
