package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/api/v1alpha1"
)

// showOptions are the flags of policy show.
type showOptions struct {
	streams genericiooptions.IOStreams
	// gateway is the name of a gateway in the cluster.
	gateway string
	// files and with are files with the gateway, and with policies.
	files, with []string
	// config is the webhook's own configuration file.
	config string
	// namespace is that of a gateway that names none.
	namespace string
	// server takes policies, and the gateway, from the cluster.
	server  bool
	cluster *kubeconfig
	// output is one of outputs.
	output string
}

// newPolicyShowCommand says how each rule holds for a gateway.
func newPolicyShowCommand(streams genericiooptions.IOStreams) *cobra.Command {
	o := showOptions{streams: streams}
	command := &cobra.Command{
		Use:   "show [GATEWAY]",
		Short: "Say how strictly, with which parameters and why each rule holds for a gateway",
		Long: `Says of each rule in force for a gateway what a violation does (Deny, Warn or Audit), what its parameters are,
and where either comes from: the defaults, the configuration or a GatewayPolicy. Without a gateway it says so for one
without labels. The table shows the parameters that are not the defaults; json and yaml show all.`,
		Example: `  # With the policies of the cluster, for a gateway in it
  kubectl portcullis policy show edge -n istio-system --server

  # Offline, for a gateway in a file
  kubectl portcullis policy show -f edge.yaml --with policies.yaml --config config.yaml`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			if len(args) > 0 {
				o.gateway = args[0]
			}
			if err := o.validate(); err != nil {
				return err
			}
			return o.run(command.Context())
		},
	}
	flags := command.Flags()
	flags.StringSliceVarP(&o.files, "filename", "f", nil, "file with the gateway; - reads standard input")
	flags.StringSliceVar(&o.with, "with", nil, "file with the GatewayPolicies that hold")
	flags.StringVar(&o.config, "config", "", "configuration file of the webhook, with enforcement and parameters of the rules")
	flags.StringVarP(&o.namespace, "namespace", "n", "istio-system", "namespace of the gateway, if it names none")
	o.cluster = addClusterFlags(command, &o.server, "take the GatewayPolicies, and the gateway, from the cluster")
	flags.StringVarP(&o.output, "output", "o", "table", "how to print: "+strings.Join(outputs(), ", "))
	return command
}

// validate refuses flags that contradict each other.
func (o *showOptions) validate() error {
	switch {
	case !slices.Contains(outputs(), o.output):
		return fmt.Errorf("--output must be one of %s, is %q", strings.Join(outputs(), ", "), o.output)
	case o.gateway != "" && !o.server:
		return errors.New("GATEWAY is one of a cluster and must come with --server; name a file with --filename instead")
	case o.gateway != "" && len(o.files) > 0:
		return errors.New("GATEWAY and --filename must not both be given")
	case o.server && len(o.with) > 0:
		return errors.New("--server and --with must not both be given: policies come from one of them")
	}
	return nil
}

// run works out what is in force, and prints it.
func (o *showOptions) run(ctx context.Context) error {
	policies, gateway, err := o.offline()
	if err != nil {
		return err
	}
	if o.server {
		if policies, gateway, err = o.online(ctx, gateway); err != nil {
			return err
		}
	}
	engine, err := compiled(ctx, o.config, policies)
	if err != nil {
		return err
	}
	if gateway.GetNamespace() == "" {
		gateway.SetNamespace(o.namespace)
	}
	return o.print(engine.InForce(gateway.GetNamespace(), gateway.GetLabels()))
}

// offline reads policies and gateway from files. Without a file with one the gateway is one without labels.
func (o *showOptions) offline() ([]v1alpha1.GatewayPolicy, *unstructured.Unstructured, error) {
	gateway := &unstructured.Unstructured{Object: map[string]any{}}
	objects, err := read(o.streams.In, o.files)
	if err != nil {
		return nil, nil, err
	}
	if len(o.files) > 0 {
		gateways := gatewaysIn(objects)
		if len(gateways) != 1 {
			return nil, nil, fmt.Errorf("--filename must name a file with one IstioGateway, found %d in %v", len(gateways), o.files)
		}
		gateway = gateways[0]
	}
	if objects, err = read(o.streams.In, o.with); err != nil {
		return nil, nil, err
	}
	known, err := knownIn(objects)
	return known.policies, gateway, err
}

// online reads policies and, unless a file held it, the gateway from the cluster.
func (o *showOptions) online(ctx context.Context, gateway *unstructured.Unstructured) ([]v1alpha1.GatewayPolicy, *unstructured.Unstructured, error) {
	reader, err := o.cluster.connect()
	if err != nil {
		return nil, nil, err
	}
	list := &v1alpha1.GatewayPolicyList{}
	if err := reader.List(ctx, list); err != nil {
		return nil, nil, fmt.Errorf("listing GatewayPolicies: %w", err)
	}
	if o.gateway == "" {
		return list.Items, gateway, nil
	}
	gateway.SetGroupVersionKind(v1beta1.GroupVersion.WithKind("IstioGateway"))
	if err := reader.Get(ctx, client.ObjectKey{Namespace: o.namespace, Name: o.gateway}, gateway); err != nil {
		return nil, nil, fmt.Errorf("reading IstioGateway %s/%s: %w", o.namespace, o.gateway, err)
	}
	return list.Items, gateway, nil
}
