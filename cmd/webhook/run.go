package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/controller-runtime/pkg/webhook"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/api/v1alpha1"
	"portcullis.dev/portcullis/pkg/decision"
	"portcullis.dev/portcullis/pkg/mutate"
	"portcullis.dev/portcullis/pkg/policy"
	"portcullis.dev/portcullis/pkg/review"
	"portcullis.dev/portcullis/pkg/ruleset"
	"portcullis.dev/portcullis/pkg/tracing"
	"portcullis.dev/portcullis/pkg/validate"
	"portcullis.dev/portcullis/policies"
)

// run puts the parts together in their starting order and runs them until the context ends.
func run(ctx context.Context, o options) error {
	// The rules first: without rules there is nothing to listen for.
	configured, compiled, err := compile(ctx, o)
	if err != nil {
		return fmt.Errorf("compiling the rules: %w", err)
	}
	mgr, traced, err := newManager(ctx, o)
	if err != nil {
		return fmt.Errorf("creating the manager: %w", err)
	}
	rules, err := newRuleset(ctx, mgr, o, configured, compiled)
	if err != nil {
		return fmt.Errorf("preparing the rules: %w", err)
	}
	// Asking for the informer now makes the manager sync it before it starts the server.
	if _, err := mgr.GetCache().GetInformer(ctx, &v1alpha1.GatewayCluster{}); err != nil {
		return fmt.Errorf("watching GatewayClusters: %w", err)
	}
	certificate, err := certificates(mgr, o, metrics.Registry)
	if err != nil {
		return fmt.Errorf("preparing the serving certificate: %w", err)
	}
	reviewer := &review.Reviewer{
		Engine:    rules.Live.Engine,
		Clusters:  clusters(mgr.GetClient()),
		Approvals: approvals(mgr.GetAPIReader()),
		Gateways:  allGateways(mgr.GetAPIReader()),
		Gateway:   gateways(mgr.GetAPIReader()),
		Now:       time.Now,
	}
	served := make(chan struct{})
	recorder, err := newRecorder(mgr, o, served)
	if err != nil {
		return fmt.Errorf("preparing the records: %w", err)
	}
	server := webhook.NewServer(webhook.Options{Host: o.bindAddress, Port: o.port, TLSOpts: certificate})
	if err := addPage(mgr, o, rules, recorder); err != nil {
		return fmt.Errorf("preparing the page: %w", err)
	}
	register(server, reviewer, rules, mgr, recorder, traced)
	ready, err := rulesReady(mgr, o, rules)
	if err != nil {
		return fmt.Errorf("preparing the bundle: %w", err)
	}
	if err := mgr.Add(afterCaches{server, ready, served}); err != nil {
		return fmt.Errorf("adding the webhook server: %w", err)
	}
	if err := mgr.AddReadyzCheck("webhook", server.StartedChecker()); err != nil {
		return fmt.Errorf("adding the readiness check: %w", err)
	}
	if err := mgr.Start(ctx); err != nil {
		return fmt.Errorf("running: %w", err)
	}
	return nil
}

// register says who answers at which path.
func register(server webhook.Server, reviewer *review.Reviewer, rules *ruleset.Ruleset, mgr manager.Manager, recorder *decision.Recorder, traced *tracing.Tracing) {
	approvalReviewer := &review.ApprovalReviewer{Reviewer: reviewer, MayApprove: mayApprove(mgr.GetClient())}
	for path, handler := range map[string]admission.Handler{
		"/mutate":            &mutate.Handler{Mutator: reviewer, Recorder: recorder},
		"/validate":          &validate.Handler{Validator: reviewer, Recorder: recorder},
		"/validate-policy":   &validate.PolicyHandler{Checker: rules, Recorder: recorder},
		"/mutate-approval":   &mutate.ApprovalHandler{Stamper: approvalReviewer, Recorder: recorder},
		"/validate-approval": &validate.ApprovalHandler{Validator: approvalReviewer, Recorder: recorder},
	} {
		server.Register(path, traced.Handler(path, finishing(&webhook.Admission{Handler: handler})))
	}
}

// compile reads the configuration, and compiles the built-in rules with it to know that they can be. GatewayPolicies come
// later, and so do rules from a bundle, beside which there are none.
func compile(ctx context.Context, o options) (policy.Options, *policy.Engine, error) {
	opts := policy.Options{Deadline: o.deadline}
	if o.config != "" {
		text, err := os.ReadFile(o.config)
		if err != nil {
			return opts, nil, fmt.Errorf("reading the configuration: %w", err)
		}
		configuration, err := policy.ReadConfiguration(text)
		if err != nil {
			return opts, nil, fmt.Errorf("%s: %w", o.config, err)
		}
		opts.Enforcement, opts.Parameters = configuration.Enforcement, configuration.Parameters
	}
	if o.bundleConfig != "" {
		return opts, nil, nil
	}
	engine, err := policy.New(ctx, policies.FS, opts)
	return opts, engine, err
}

// newRuleset compiles the built-in rules, or those of a bundle when there is one, with the GatewayPolicies, again
// whenever those change.
func newRuleset(ctx context.Context, mgr manager.Manager, o options, configured policy.Options, compiled *policy.Engine) (*ruleset.Ruleset, error) {
	var library fs.FS = policies.FS
	if o.bundleConfig != "" {
		library = nil
	}
	rules, err := ruleset.New(ruleset.Options{
		Client:    mgr.GetClient(),
		Reader:    mgr.GetAPIReader(),
		Live:      new(policy.Live),
		Library:   library,
		Rules:     configured,
		Compiled:  compiled,
		Namespace: o.namespace,
		Replica:   o.replica,
		Now:       time.Now,
	}, metrics.Registry)
	if err != nil {
		return nil, err
	}
	return rules, rules.SetupWithManager(ctx, mgr)
}

// newManager runs everything but decides nothing: any replica may answer, so no leader is elected.
func newManager(ctx context.Context, o options) (manager.Manager, *tracing.Tracing, error) {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, v1alpha1.AddToScheme, v1beta1.AddToScheme} {
		if err := add(scheme); err != nil {
			return nil, nil, fmt.Errorf("registering types: %w", err)
		}
	}
	config, err := ctrl.GetConfig()
	if err != nil {
		return nil, nil, fmt.Errorf("finding the API server: %w", err)
	}
	// The API server knows better how much it can take, and a decision that waits for us is one that comes too late.
	config.QPS = -1
	traced, err := tracing.New(ctx, "portcullis-webhook", os.Getenv)
	if err != nil {
		return nil, nil, fmt.Errorf("preparing the traces: %w", err)
	}
	traced.Client(config)
	mgr, err := ctrl.NewManager(config, manager.Options{
		Scheme:                 scheme,
		Cache:                  caSecretOnly(o),
		HealthProbeBindAddress: o.healthAddress,
		Metrics:                metricsserver.Options{BindAddress: o.metricsAddress},
	})
	if err != nil {
		return nil, nil, err
	}
	return mgr, traced, errors.Join(traced.AddTo(mgr), mgr.AddHealthzCheck("ping", healthz.Ping))
}

// clusters lists the registered clusters from memory.
func clusters(reader client.Reader) func(context.Context) ([]v1alpha1.GatewayCluster, error) {
	return func(ctx context.Context) ([]v1alpha1.GatewayCluster, error) {
		list := &v1alpha1.GatewayClusterList{}
		err := reader.List(ctx, list)
		return list.Items, err
	}
}

// rulesReady is closed as soon as there are rules.
func rulesReady(mgr manager.Manager, o options, rules *ruleset.Ruleset) (<-chan struct{}, error) {
	if o.bundleConfig != "" {
		return addBundle(mgr, o, rules.SetLibrary)
	}
	ready := make(chan struct{})
	close(ready)
	return ready, nil
}

// afterCaches starts the server when the caches are synced and there are rules, not before: a request that met an
// empty cache would be decided wrongly. The manager starts what it knows to be a webhook server before its caches, so
// the server's own type is hidden from it.
type afterCaches struct {
	server webhook.Server
	// rules is closed when there are some.
	rules <-chan struct{}
	// served is closed when the server answers no more.
	served chan<- struct{}
}

// Start runs the server until the context ends.
func (a afterCaches) Start(ctx context.Context) error {
	defer close(a.served)
	select {
	case <-a.rules:
	case <-ctx.Done():
		return nil
	}
	return a.server.Start(ctx)
}

// NeedLeaderElection says that every replica serves.
func (afterCaches) NeedLeaderElection() bool {
	return false
}
