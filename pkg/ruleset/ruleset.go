package ruleset

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"portcullis.dev/portcullis/pkg/api/v1alpha1"
	"portcullis.dev/portcullis/pkg/policy"
)

// Options are what a ruleset is made of.
type Options struct {
	// Client reads GatewayPolicies from memory, and writes their status and this replica's Lease.
	Client client.Client
	// Reader reads the Leases of all replicas, not from memory: one that has just come must be seen.
	Reader client.Reader
	// Live gets each new set of rules.
	Live *policy.Live
	// Library is the rules that the policies come beside; nil when they come later, by SetLibrary. Until then nothing
	// decides.
	Library fs.FS
	// Rules are the deadline and the configuration; library and policies are filled in.
	Rules policy.Options
	// Compiled is what Library alone compiles to with Rules, if somebody has compiled it already; it decides as long as there
	// are no policies.
	Compiled *policy.Engine
	// Namespace of the Leases.
	Namespace string
	// Replica is the name of this replica.
	Replica string
	// Now is the clock; time.Now outside tests.
	Now func() time.Time
}

// Ruleset compiles and reports. Make it with New.
type Ruleset struct {
	Options
	leases  leases
	metrics ruleMetrics
	// changed asks for another reconciliation.
	changed chan event.GenericEvent

	mutex sync.Mutex
	state state
}

// state is what a ruleset knows of the sets that it compiled.
type state struct {
	library  fs.FS
	revision string
	// policies as they were last read; read says whether they ever were.
	policies []v1alpha1.GatewayPolicy
	read     bool
	// attempted names the set that was last compiled, whatever came of it.
	attempted string
	// running are the generations of the policies in the live set.
	running map[types.UID]int64
	// fault is why the set that was last compiled is not the live one.
	fault error
}

// New makes a ruleset, and registers its metrics.
func New(opts Options, registry prometheus.Registerer) (*Ruleset, error) {
	metrics, err := newMetrics(registry)
	if err != nil {
		return nil, fmt.Errorf("registering the metrics: %w", err)
	}
	return &Ruleset{
		Options: opts,
		leases:  leases{seen: map[string]sighting{}},
		metrics: metrics,
		changed: make(chan event.GenericEvent, 1),
		state:   state{library: opts.Library},
	}, nil
}

// againAfter is when what another replica wrote has probably arrived.
const againAfter = 100 * time.Millisecond

// Reconcile brings the live set to the stored policies, and their status to what runs.
func (r *Ruleset) Reconcile(ctx context.Context, _ reconcile.Request) (reconcile.Result, error) {
	list := &v1alpha1.GatewayPolicyList{}
	if err := r.Client.List(ctx, list); err != nil {
		return reconcile.Result{}, fmt.Errorf("listing GatewayPolicies: %w", err)
	}
	current := r.adopt(ctx, list.Items)
	again, err := r.report(ctx, list.Items, current)
	if err != nil {
		return reconcile.Result{}, err
	}
	if again {
		return reconcile.Result{RequeueAfter: againAfter}, nil
	}
	return reconcile.Result{RequeueAfter: renewEvery}, nil
}

// adopt compiles the policies if they, or the library, are others than those of the last time.
func (r *Ruleset) adopt(ctx context.Context, policies []v1alpha1.GatewayPolicy) state {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.state.policies, r.state.read = policies, true
	if r.state.library == nil {
		return r.state
	}
	if name := Identity(r.state.revision, policies); name != r.state.attempted {
		r.state.attempted = name
		r.state.fault = r.swap(ctx, r.state.library, r.state.revision)
	}
	return r.state
}

// SetLibrary compiles another library with the policies that there are, and has it decide from now on. The rules have
// the layout of policies/; revision names them. An error means that they cannot be used: the last good set goes on.
// Before any policy was read nothing decides yet, and the rules are compiled only to know whether they can be.
func (r *Ruleset) SetLibrary(ctx context.Context, rules fs.FS, revision string) error {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if err := r.swap(ctx, rules, revision); err != nil {
		return err
	}
	r.state.library, r.state.revision, r.state.fault = rules, revision, nil
	r.state.attempted = Identity(revision, r.state.policies)
	if !r.state.read {
		r.state.attempted = ""
	}
	select {
	case r.changed <- event.GenericEvent{Object: &v1alpha1.GatewayPolicy{}}:
	default:
	}
	return nil
}

// swap compiles a set and swaps it in.
func (r *Ruleset) swap(ctx context.Context, library fs.FS, revision string) error {
	engine, err := r.compile(ctx, library, revision)
	if err != nil {
		r.metrics.reloads.WithLabelValues(resultRefused).Inc()
		log.FromContext(ctx).Error(err, "Kept the last good set of rules", "library", revision)
		return err
	}
	if !r.state.read {
		return nil
	}
	r.Live.Swap(engine)
	r.state.running = map[types.UID]int64{}
	for _, running := range r.state.policies {
		r.state.running[running.UID] = running.Generation
	}
	r.metrics.swapped(engine, r.Now())
	log.FromContext(ctx).Info("Swapped in a set of rules", "revision", engine.Revision(), "policies", len(r.state.policies))
	return nil
}

// compile compiles a library with the policies that were last read.
func (r *Ruleset) compile(ctx context.Context, library fs.FS, revision string) (*policy.Engine, error) {
	if r.Compiled != nil && revision == "" && len(r.state.policies) == 0 {
		return r.Compiled, nil
	}
	opts := r.Rules
	opts.Library = revision
	var err error
	if opts.Policies, err = Policies(r.state.policies); err != nil {
		return nil, err
	}
	return policy.New(ctx, library, opts)
}

// Identity names a set: the library and each policy's generation.
func Identity(revision string, policies []v1alpha1.GatewayPolicy) string {
	parts := make([]string, 0, len(policies)+1)
	for _, p := range policies {
		parts = append(parts, fmt.Sprintf("%s/%d", p.UID, p.Generation))
	}
	slices.Sort(parts)
	return strings.Join(append(parts, "library "+revision), "\n")
}

// Check says what keeps a policy from being used together with everything else that is in force, its own tests included.
// Where the policy is to blame the error is a *policy.FaultError.
func (r *Ruleset) Check(ctx context.Context, candidate *v1alpha1.GatewayPolicy) error {
	list := &v1alpha1.GatewayPolicyList{}
	if err := r.Client.List(ctx, list); err != nil {
		return fmt.Errorf("listing GatewayPolicies: %w", err)
	}
	others := slices.DeleteFunc(list.Items, func(other v1alpha1.GatewayPolicy) bool { return other.Name == candidate.Name })
	read, err := Policy(candidate)
	if err != nil {
		return &policy.FaultError{Policies: map[string]error{candidate.Name: err}}
	}
	opts := r.Rules
	// One that cannot be read is not in force, and must not keep others from being stored.
	opts.Policies, _ = Policies(others)
	opts.Policies = append(opts.Policies, read)
	r.mutex.Lock()
	library := r.state.library
	r.mutex.Unlock()
	if library == nil {
		return errors.New("rules must be there before policies can be checked with them, are not yet")
	}
	return policy.Check(ctx, library, opts, candidate.Name)
}

// Ready is a check of readiness: rules decide, and the other replicas know that this one is there.
func (r *Ruleset) Ready(*http.Request) error {
	if r.Live.Engine() == nil {
		return errors.New("rules must be compiled with all GatewayPolicies, are not yet")
	}
	return r.leases.check(r.Now())
}
