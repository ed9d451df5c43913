package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/gateway"
)

// probeInterval is how often the probe asks, and probeTimeout how long it waits for an answer.
const (
	probeInterval = time.Second
	probeTimeout  = 15 * time.Second
)

// newProbe is the command that asks whether gateways are guarded, by the way that every change takes.
func newProbe() *cobra.Command {
	var namespace string
	var timeout time.Duration
	command := &cobra.Command{
		Use:   "probe",
		Short: "Waits until the API server asks the guard about gateways",
		Args:  cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			server, err := probeClient()
			if err != nil {
				return err
			}
			return probe(command.Context(), server, namespace, timeout)
		},
	}
	command.Flags().StringVar(&namespace, "namespace", "istio-system", "namespace of the gateway that is asked about, and never stored")
	command.Flags().DurationVar(&timeout, "timeout", time.Minute, "how long it is tried")
	// controller-runtime reads --kubeconfig from Go's own flags.
	command.Flags().AddGoFlag(flag.Lookup("kubeconfig"))
	return command
}

// probeClient reaches the API server.
func probeClient() (client.Client, error) {
	scheme := runtime.NewScheme()
	if err := v1beta1.AddToScheme(scheme); err != nil {
		return nil, fmt.Errorf("registering types: %w", err)
	}
	config, err := ctrl.GetConfig()
	if err != nil {
		return nil, fmt.Errorf("finding the API server: %w", err)
	}
	config.Timeout = probeTimeout
	return client.New(config, client.Options{Scheme: scheme})
}

// probe asks for a gateway by a dry run until the guard has a say in it.
func probe(ctx context.Context, server client.Client, namespace string, timeout time.Duration) error {
	var last error
	// A question that began in time is let end: its answer says what is wrong.
	err := wait.PollUntilContextTimeout(ctx, probeInterval, timeout, true, func(context.Context) (bool, error) {
		if answer := askOnce(ctx, server, namespace); answer != nil {
			last = answer
			return false, nil
		}
		return true, nil
	})
	if err != nil {
		return fmt.Errorf("the guard must answer within %s, does not: %w", timeout, errors.Join(last, err))
	}
	return nil
}

// askOnce is nil when the guard let a gateway in or refused it.
func askOnce(ctx context.Context, server client.Client, namespace string) error {
	gw := &v1beta1.IstioGateway{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "portcullis-probe"}}
	err := server.Create(ctx, gw, client.DryRunAll)
	switch {
	case err != nil && strings.Contains(err.Error(), `admission webhook "validate.portcullis.dev" denied the request`):
		return nil
	case err != nil:
		return err
	case gw.Annotations[gateway.AnnotationAdmitted] == "":
		return errors.New("a gateway went in that nobody was asked about")
	default:
		return nil
	}
}
