package main

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/util/validation"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
)

// options are the webhook's flags.
type options struct {
	// bindAddress and port are where the API server finds us.
	bindAddress string
	port        int
	// healthAddress serves /healthz and /readyz, metricsAddress /metrics; "0" turns the latter off.
	healthAddress, metricsAddress string
	// certFile and keyFile are the serving certificate; without them we make our own.
	certFile, keyFile string
	// caNamespace and caName are the Secret that holds the CA of our own certificates.
	caNamespace, caName string
	// dnsNames are the names in our own certificates.
	dnsNames []string
	// certificateDuration and caDuration are how long our own certificates and their CA last.
	certificateDuration, caDuration time.Duration
	// configuration is the name of the webhook configurations that get our CA.
	configuration string
	// deadline stops the evaluation of the rules.
	deadline time.Duration
	// config is a file with enforcement and parameters of the rules.
	config string
	// namespace and replica are where the webhook runs, and what this one is called.
	namespace, replica string
	// bundleConfig is a file that says where the rules come from, in OPA's format; bundleDirectory is where they are kept.
	bundleConfig, bundleDirectory string
	// decisionLog is where decisions are written to, decisionLogConfig a file that says where they are sent, in OPA's format.
	decisionLog, decisionLogConfig string
	// maskEnv and maskAnnotations say which values are left out of both.
	maskEnv         bool
	maskAnnotations []string
	// pageAddress serves the page for people; nobody does when it is empty.
	pageAddress string
	// logging is zap's own set of flags.
	logging zap.Options
}

// newCommand is the webhook's command line.
func newCommand() *cobra.Command {
	var o options
	command := &cobra.Command{
		Use:           "webhook",
		Short:         "Guards changes to IstioGateways at admission",
		Args:          cobra.NoArgs,
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE: func(command *cobra.Command, _ []string) error {
			if err := o.validate(); err != nil {
				return err
			}
			logger := zap.New(zap.UseFlagOptions(&o.logging))
			ctrl.SetLogger(logger)
			return run(ctrl.LoggerInto(command.Context(), logger), o)
		},
	}
	o.addFlags(command)
	command.AddCommand(newProbe())
	return command
}

// addFlags names the flags and their defaults.
func (o *options) addFlags(command *cobra.Command) {
	flags := command.Flags()
	flags.StringVar(&o.bindAddress, "bind-address", "", "address to serve the webhooks on; all addresses when empty")
	flags.IntVar(&o.port, "port", 9443, "port to serve the webhooks on")
	flags.StringVar(&o.healthAddress, "health-probe-bind-address", ":8081", "address of /healthz and /readyz")
	flags.StringVar(&o.metricsAddress, "metrics-bind-address", ":8080", "address of /metrics; 0 turns it off")
	flags.StringVar(&o.certFile, "tls-cert-file", "", "serving certificate; made by the webhook itself when empty")
	flags.StringVar(&o.keyFile, "tls-private-key-file", "", "private key of the serving certificate")
	flags.StringVar(&o.caNamespace, "ca-secret-namespace", os.Getenv("POD_NAMESPACE"), "namespace of the Secret that holds the CA of the webhook's own certificates")
	flags.StringVar(&o.caName, "ca-secret-name", "portcullis-webhook-ca", "name of that Secret")
	flags.StringSliceVar(&o.dnsNames, "dns-names", nil, "host names in the webhook's own certificates")
	flags.DurationVar(&o.certificateDuration, "certificate-duration", 7*24*time.Hour, "how long the webhook's own certificates last; renewed after two thirds of it")
	flags.DurationVar(&o.caDuration, "ca-duration", 365*24*time.Hour, "how long the CA of the webhook's own certificates lasts; renewed after two thirds of it")
	flags.StringVar(&o.configuration, "webhook-configuration-name", "portcullis", "name of the webhook configurations that get the CA of the webhook's own certificates")
	flags.DurationVar(&o.deadline, "evaluation-deadline", time.Second, "time after which a decision is given up and the request refused")
	flags.StringVar(&o.config, "config", "", "YAML file with enforcement (Deny, Warn, Audit) and parameters of the rules, by the rule's code; the built-in ones hold where it says nothing")
	flags.StringVar(&o.namespace, "namespace", os.Getenv("POD_NAMESPACE"), "namespace that the webhook runs in; that of the CA when empty")
	flags.StringVar(&o.replica, "replica", replicaName(), "name of this replica, by which GatewayPolicies say what it runs")
	flags.StringVar(&o.bundleConfig, "bundle-config", "", "file with OPA's services, bundles and keys: the rules then come from that bundle instead of this binary")
	flags.StringVar(&o.bundleDirectory, "bundle-persist-dir", "", "directory that the last good bundle is kept in, for a restart without the server; persistence_directory of the file when empty")
	flags.StringVar(&o.decisionLog, "decision-log", logStdout, "where each decision is written to, as a line of JSON: stdout or none")
	flags.StringVar(&o.decisionLogConfig, "decision-log-config", "", "file with OPA's services and decision_logs: decisions are then sent to that collector too")
	flags.BoolVar(&o.maskEnv, "decision-log-mask-env", true, "leave the values of environment variables out of logged decisions")
	flags.StringSliceVar(&o.maskAnnotations, "decision-log-mask-annotations", []string{"kubectl.kubernetes.io/last-applied-configuration"}, "names of annotations whose values are left out of logged decisions")
	flags.StringVar(&o.pageAddress, "page-bind-address", "", "loopback address of a read-only page for people, as 127.0.0.1:8090; there is none when empty")
	logging := flag.NewFlagSet("logging", flag.ContinueOnError)
	o.logging.BindFlags(logging)
	flags.AddGoFlagSet(logging)
	// controller-runtime reads --kubeconfig from Go's own flags.
	flags.AddGoFlag(flag.Lookup("kubeconfig"))
}

// replicaName is the name of the pod that this runs in, or else of the machine.
func replicaName() string {
	host, err := os.Hostname()
	if err != nil {
		host = ""
	}
	return strings.ToLower(cmp.Or(os.Getenv("POD_NAME"), host))
}

// validate refuses flags that contradict each other.
func (o *options) validate() error {
	if (o.certFile == "") != (o.keyFile == "") {
		return errors.New("--tls-cert-file and --tls-private-key-file must be set both or neither")
	}
	o.namespace = cmp.Or(o.namespace, o.caNamespace)
	if o.namespace == "" {
		return errors.New("--namespace must name the namespace that the webhook runs in, is empty")
	}
	if problems := validation.IsDNS1123Subdomain(o.replica); len(problems) > 0 {
		return fmt.Errorf("--replica must be the name of a pod, is %q: %s", o.replica, strings.Join(problems, ", "))
	}
	if o.bundleDirectory != "" && o.bundleConfig == "" {
		return errors.New("--bundle-persist-dir must come with --bundle-config, which says what to keep there")
	}
	if err := checkPageAddress(o.pageAddress); err != nil {
		return err
	}
	if o.decisionLog != logStdout && o.decisionLog != logNone {
		return fmt.Errorf("--decision-log must be %s or %s, is %q", logStdout, logNone, o.decisionLog)
	}
	return o.validateOwnCertificate()
}

// validateOwnCertificate refuses certificates of our own that nobody could find or trust.
func (o *options) validateOwnCertificate() error {
	if o.certFile != "" {
		return nil
	}
	if o.caNamespace == "" {
		return errors.New("--ca-secret-namespace must name a namespace when no certificate is given, is empty")
	}
	if len(o.dnsNames) == 0 {
		return errors.New("--dns-names must name the hosts that the API server calls when no certificate is given, is empty")
	}
	return o.validateDurations()
}

// validateDurations refuses lives too short to be renewed without a moment of refusal: a third of a life is left for it.
func (o *options) validateDurations() error {
	if o.certificateDuration < shortestLife {
		return fmt.Errorf("--certificate-duration must be at least %s, is %s", shortestLife, o.certificateDuration)
	}
	if o.caDuration < 3*o.certificateDuration {
		return fmt.Errorf("--ca-duration must be at least three times --certificate-duration (%s), is %s", o.certificateDuration, o.caDuration)
	}
	return nil
}
