package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
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

// addClusterFlags names a switch that takes what decides from a cluster, and the flags that say which.
func addClusterFlags(command *cobra.Command, on *bool, what string) *kubeconfig {
	out := &kubeconfig{rules: clientcmd.NewDefaultClientConfigLoadingRules()}
	command.Flags().BoolVar(on, "server", false, what)
	command.Flags().StringVar(&out.rules.ExplicitPath, clientcmd.RecommendedConfigPathFlag, "", "kubeconfig file of the cluster")
	command.Flags().StringVar(&out.overrides.CurrentContext, clientcmd.FlagContext, "", "context of the kubeconfig")
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
	for _, add := range []func(*runtime.Scheme) error{v1alpha1.AddToScheme, v1beta1.AddToScheme, authenticationv1.AddToScheme} {
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

// named is the namespace that flags name, or else the one that is always there: no file of a kubeconfig is needed to know.
func (k *kubeconfig) named() string {
	return cmp.Or(k.overrides.Context.Namespace, metav1.NamespaceDefault)
}

// gateway reads a stored gateway.
func (s server) gateway(ctx context.Context, namespace, name string) (*v1beta1.IstioGateway, error) {
	gw := &v1beta1.IstioGateway{}
	if err := s.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, gw); err != nil {
		return nil, fmt.Errorf("reading IstioGateway %s/%s: %w", namespace, name, err)
	}
	return gw, nil
}

// decisive are the objects that decisions are made with: the registered clusters, the policies and approvals, and all
// gateways.
func (s server) decisive(ctx context.Context) ([]*unstructured.Unstructured, error) {
	var out []*unstructured.Unstructured
	for _, kind := range []schema.GroupVersionKind{
		v1alpha1.GroupVersion.WithKind("GatewayCluster"), v1alpha1.GroupVersion.WithKind("GatewayPolicy"),
		v1alpha1.GroupVersion.WithKind("ChangeApproval"), v1beta1.GroupVersion.WithKind("IstioGateway"),
	} {
		list := &unstructured.UnstructuredList{}
		list.SetGroupVersionKind(kind.GroupVersion().WithKind(kind.Kind + "List"))
		if err := s.List(ctx, list); err != nil {
			return nil, fmt.Errorf("listing %s objects: %w", kind.Kind, err)
		}
		for i := range list.Items {
			out = append(out, &list.Items[i])
		}
	}
	return out, nil
}

// self is who the API server takes us for.
func (s server) self(ctx context.Context) (authenticationv1.UserInfo, error) {
	review := &authenticationv1.SelfSubjectReview{}
	if err := s.Create(ctx, review); err != nil {
		return authenticationv1.UserInfo{}, fmt.Errorf("asking who we are: %w", err)
	}
	return review.Status.UserInfo, nil
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
