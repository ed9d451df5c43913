package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"runtime/debug"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/api/v1alpha1"
	"portcullis.dev/portcullis/pkg/fence"
	"portcullis.dev/portcullis/pkg/reconcile"
	"portcullis.dev/portcullis/pkg/tracing"
)

// defaultApprovalRetention keeps the record of who approved what for a quarter of a year.
const defaultApprovalRetention = 90 * 24 * time.Hour

// options are the controller's flags.
type options struct {
	// healthAddress serves /healthz and /readyz, metricsAddress /metrics; "0" turns the latter off.
	healthAddress, metricsAddress string
	// leaderElect makes one of several replicas work, and the others wait.
	leaderElect bool
	// leaderElectionNamespace holds the Lease of the leader; the pod's own when empty.
	leaderElectionNamespace string
	// workers is how many gateways, each in one cluster, are worked on at once.
	workers int
	// approvalRetention is how long an approval is kept after it was used or expired.
	approvalRetention time.Duration
	// fence closes the back door to what gateways are made of; guests may pass it.
	fence  bool
	guests fence.Options
	// remoteSecrets is the namespace whose Secrets with kubeconfigs register clusters by themselves.
	remoteSecrets string
	// auditing says what is audited in the background.
	auditing auditOptions
	// logging is zap's own set of flags.
	logging zap.Options
}

// newCommand is the controller's command line.
func newCommand() *cobra.Command {
	var o options
	command := &cobra.Command{
		Use:           "controller",
		Short:         "Makes accepted IstioGateways real",
		Args:          cobra.NoArgs,
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE: func(command *cobra.Command, _ []string) error {
			if o.workers < 1 {
				return fmt.Errorf("--workers must be at least 1, is %d", o.workers)
			}
			if o.approvalRetention < 0 {
				return fmt.Errorf("--approval-retention must not be negative, is %s", o.approvalRetention)
			}
			if err := o.auditing.validate(); err != nil {
				return err
			}
			logger := zap.New(zap.UseFlagOptions(&o.logging))
			ctrl.SetLogger(logger)
			return run(ctrl.LoggerInto(command.Context(), logger), o)
		},
	}
	flags := command.Flags()
	flags.StringVar(&o.healthAddress, "health-probe-bind-address", ":8081", "address of /healthz and /readyz")
	flags.StringVar(&o.metricsAddress, "metrics-bind-address", ":8080", "address of /metrics; 0 turns it off")
	flags.BoolVar(&o.leaderElect, "leader-elect", false, "let one of several replicas work, and the others wait")
	flags.StringVar(&o.leaderElectionNamespace, "leader-election-namespace", "", "namespace of the leader's Lease; the pod's own when empty")
	flags.IntVar(&o.workers, "workers", 16, "gateways, each in one cluster, that are worked on at once")
	flags.DurationVar(&o.approvalRetention, "approval-retention", defaultApprovalRetention, "how long a ChangeApproval is kept after it was used or expired")
	flags.BoolVar(&o.fence, "fence", true, "let nobody else change or delete Deployments and Services of gateways, by a ValidatingAdmissionPolicy")
	flags.StringSliceVar(&o.guests.CloudControllers, "cloud-controller", nil, "user of a cloud controller outside of kube-system that may pass the fence")
	flags.StringVar(&o.guests.EmergencyGroup, "emergency-group", "", "group that may pass the fence in an emergency, which the audit log tells")
	flags.StringVar(&o.remoteSecrets, "remote-secret-namespace", "istio-system", "namespace whose Secrets with the label istio/multiCluster=true register the clusters of their kubeconfigs")
	o.auditing.addFlags(flags)
	logging := flag.NewFlagSet("logging", flag.ContinueOnError)
	o.logging.BindFlags(logging)
	flags.AddGoFlagSet(logging)
	// controller-runtime reads --kubeconfig from Go's own flags.
	flags.AddGoFlag(flag.Lookup("kubeconfig"))
	return command
}

// run puts the parts together and runs them until the context ends.
func run(ctx context.Context, o options) error {
	collectOften()
	traced, err := tracing.New(ctx, "portcullis-controller", os.Getenv)
	if err != nil {
		return fmt.Errorf("preparing the traces: %w", err)
	}
	mgr, err := newManager(o, traced)
	if err != nil {
		return fmt.Errorf("creating the manager: %w", err)
	}
	work := o.reconciling()
	work.Tracing = traced
	if err := reconcile.Setup(ctx, mgr, work); err != nil {
		return fmt.Errorf("setting up the controller: %w", err)
	}
	if err := o.auditing.setup(mgr); err != nil {
		return fmt.Errorf("setting up the audit: %w", err)
	}
	if err := traced.AddTo(mgr); err != nil {
		return fmt.Errorf("adding the traces: %w", err)
	}
	if err := errors.Join(mgr.AddHealthzCheck("ping", healthz.Ping), mgr.AddReadyzCheck("ping", healthz.Ping)); err != nil {
		return fmt.Errorf("adding the health checks: %w", err)
	}
	if err := mgr.Start(ctx); err != nil {
		return fmt.Errorf("running: %w", err)
	}
	return nil
}

// collectOften has memory collected at half more than what is in use, instead of at twice that: with hundreds of clusters
// most of it would be garbage, and nearly nothing is allocated while nothing happens. GOGC says otherwise.
func collectOften() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(50)
	}
}

// reconciling are the options of the work itself.
func (o options) reconciling() reconcile.Options {
	out := reconcile.Options{Workers: o.workers, ApprovalRetention: o.approvalRetention, RemoteSecrets: o.remoteSecrets, Metrics: metrics.Registry}
	if o.fence {
		out.Fence = &o.guests
	}
	return out
}

// newManager runs the controller on the leader alone.
func newManager(o options, traced *tracing.Tracing) (manager.Manager, error) {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, v1beta1.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(scheme); err != nil {
			return nil, fmt.Errorf("registering types: %w", err)
		}
	}
	config, err := ctrl.GetConfig()
	if err != nil {
		return nil, fmt.Errorf("finding the API server: %w", err)
	}
	traced.Client(config)
	cached, err := reconcile.CacheOptions(o.remoteSecrets)
	if err != nil {
		return nil, err
	}
	return ctrl.NewManager(config, manager.Options{
		Scheme:                        scheme,
		Cache:                         cached,
		HealthProbeBindAddress:        o.healthAddress,
		Metrics:                       metricsserver.Options{BindAddress: o.metricsAddress},
		LeaderElection:                o.leaderElect,
		LeaderElectionID:              "portcullis-controller",
		LeaderElectionNamespace:       o.leaderElectionNamespace,
		LeaderElectionReleaseOnCancel: true,
	})
}
