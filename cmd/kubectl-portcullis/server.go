package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/api/v1alpha1"
)

// server is the API server that a kubeconfig leads to, and the namespace that is meant.
type server struct {
	client.Client
	namespace string
}

// kubeconfig is where the API server is said to be, by flags as kubectl has them.
type kubeconfig struct {
	rules     *clientcmd.ClientConfigLoadingRules
	overrides clientcmd.ConfigOverrides
}

// addKubeconfigFlags names kubectl's flags on a command.
func addKubeconfigFlags(command *cobra.Command) *kubeconfig {
	out := &kubeconfig{rules: clientcmd.NewDefaultClientConfigLoadingRules()}
	command.Flags().StringVar(&out.rules.ExplicitPath, clientcmd.RecommendedConfigPathFlag, "", "path of the kubeconfig file")
	clientcmd.BindOverrideFlags(&out.overrides, command.Flags(), clientcmd.RecommendedConfigOverrideFlags(""))
	return out
}

// connect reaches the API server as kubectl does.
func (k *kubeconfig) connect() (server, error) {
	loader := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(k.rules, &k.overrides)
	config, err := loader.ClientConfig()
	if err != nil {
		return server{}, fmt.Errorf("reading the kubeconfig: %w", err)
	}
	namespace, _, err := loader.Namespace()
	if err != nil {
		return server{}, fmt.Errorf("reading the kubeconfig: %w", err)
	}
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{v1alpha1.AddToScheme, v1beta1.AddToScheme} {
		if err := add(scheme); err != nil {
			return server{}, fmt.Errorf("registering types: %w", err)
		}
	}
	// What the guard warns of is said in our own words, or not our business.
	config = rest.CopyConfig(config)
	config.WarningHandler = rest.NoWarnings{}
	reached, err := client.New(config, client.Options{Scheme: scheme})
	if err != nil {
		return server{}, fmt.Errorf("reaching the API server: %w", err)
	}
	return server{reached, namespace}, nil
}

// gateway reads a stored gateway.
func (s server) gateway(ctx context.Context, namespace, name string) (*v1beta1.IstioGateway, error) {
	gw := &v1beta1.IstioGateway{}
	if err := s.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, gw); err != nil {
		return nil, fmt.Errorf("reading IstioGateway %s/%s: %w", namespace, name, err)
	}
	return gw, nil
}

// clusters lists the registered clusters.
func (s server) clusters(ctx context.Context) ([]v1alpha1.GatewayCluster, error) {
	list := &v1alpha1.GatewayClusterList{}
	if err := s.List(ctx, list); err != nil {
		return nil, fmt.Errorf("listing the registered clusters: %w", err)
	}
	return list.Items, nil
}

// errNotAsked says that the API server did not let the question through to the guard.
var errNotAsked = errors.New("not asked")

// refusal is what the guard answers to a request that it refuses; errNotAsked when it was not the guard that refused.
func refusal(err error) (string, error) {
	if _, said, found := strings.Cut(err.Error(), "denied the request: "); found {
		return strings.TrimSpace(said), nil
	}
	return "", fmt.Errorf("%w: %w", errNotAsked, err)
}

// create makes a ChangeApproval. Where the guard refuses it, its words are printed, and the error is errRefused.
func create(ctx context.Context, server client.Client, errOut io.Writer, approval *v1alpha1.ChangeApproval, options ...client.CreateOption) error {
	err := server.Create(ctx, approval, options...)
	if err == nil {
		return nil
	}
	if said, unasked := refusal(err); unasked == nil {
		_, _ = fmt.Fprintln(errOut, said)
		return errRefused
	}
	return fmt.Errorf("making the ChangeApproval: %w", err)
}
