package cluster

import (
	"context"
	"crypto/sha256"
	"fmt"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/cluster"

	"portcullis.dev/portcullis/pkg/api/v1alpha1"
)

// Options say how connections are made and who hears of them.
type Options struct {
	// Scheme knows the types that are read and written; their kinds must be among those of Mapper.
	Scheme *runtime.Scheme
	// Cache says what is kept in memory of each cluster. A selector for all kinds costs less than one for each: every kind
	// with its own has a cache of its own.
	Cache cache.Options
	// Kinds are read before a connection is used; others are when somebody asks for them first.
	Kinds []client.Object
	// Uncached are kinds that are never kept in memory, whoever asks for them.
	Uncached []client.Object
	// Connected is told of a new connection before anybody gets it, to start watches on it. The context ends with the
	// connection. An error is one of connecting.
	Connected func(ctx context.Context, id string, connection cluster.Cluster) error
	// Registered lists the GatewayClusters: a cluster that is registered already is not connected once more. Nobody looks
	// for such when it is nil.
	Registered func(ctx context.Context) ([]v1alpha1.GatewayCluster, error)
	// Changed is told that a cluster was connected, lost or came back.
	Changed func(ctx context.Context, id string)
	// Timing is when things are done; its zero values are defaults.
	Timing Timing

	// mapper is shared by all connections.
	mapper meta.RESTMapper
	// admit is asked before a connection is used.
	admit func(ctx context.Context, id string, live client.Reader) error
}

// Timing says how long things take.
type Timing struct {
	// Sync is how long a connection may take to read what is kept in memory. Default: 60 s.
	Sync time.Duration
	// Probe is how often a connected cluster is asked whether it is well, and ProbeTimeout how long it has to answer.
	// Defaults: 5 s and 3 s.
	Probe, ProbeTimeout time.Duration
	// Failures is how many probes in a row must fail before a cluster counts as lost. Default: 3, so
	// that one that hangs is known to within half a minute, and holds up nobody for longer.
	Failures int
	// FirstPause and LongestPause are between attempts to connect. Defaults: 1 s and 5 min.
	FirstPause, LongestPause time.Duration
}

// Registry holds one connection for each registered cluster. Its methods never wait for a cluster.
type Registry struct {
	// ctx ends every connection.
	ctx     context.Context
	options Options
	metrics metrics

	mu      sync.RWMutex
	members map[string]*member
	// refused is why a cluster without a member has none.
	refused map[string]error
	// identities are those of the clusters that were admitted.
	identities map[string]string
}

// NewRegistry has no cluster yet. Its connections end with the context.
func NewRegistry(ctx context.Context, options Options) *Registry {
	options.Timing = options.Timing.complete()
	options.mapper = Mapper()
	out := &Registry{ctx: ctx, options: options, metrics: newMetrics(), members: map[string]*member{}, refused: map[string]error{}, identities: map[string]string{}}
	out.options.admit = out.admit
	return out
}

// NotConnectedError says that there is no connection to a cluster now.
type NotConnectedError struct {
	// ID of the cluster.
	ID string
	// Since when there is none; zero when there never was to be one.
	Since time.Time
	// Cause is what the last attempt ended with; nil while the first one goes on.
	Cause error
}

// Error says which cluster, since when and why.
func (e *NotConnectedError) Error() string {
	if e.Since.IsZero() {
		return fmt.Sprintf("cluster %s is not connected: %v", e.ID, e.Cause)
	}
	since := e.Since.UTC().Format(time.RFC3339)
	if e.Cause == nil {
		return fmt.Sprintf("cluster %s is being connected since %s", e.ID, since)
	}
	return fmt.Sprintf("cluster %s is not connected since %s: %v", e.ID, since, e.Cause)
}

// Unwrap is the cause.
func (e *NotConnectedError) Unwrap() error {
	return e.Cause
}

// Get is the connection to a cluster, or a NotConnectedError.
func (r *Registry) Get(id string) (cluster.Cluster, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	m := r.members[id]
	if m == nil {
		why := r.refused[id]
		if why == nil {
			why = ErrNotRegistered
		}
		return nil, &NotConnectedError{ID: id, Cause: why}
	}
	return m.get()
}

// Set connects to a cluster by a kubeconfig, in the background. The same kubeconfig again changes nothing; another one
// replaces the connection when the new one is ready, so that there is no gap. An error is one of the kubeconfig, which
// leaves the present connection as it is.
func (r *Registry) Set(id string, kubeconfig []byte) error {
	config, err := RESTConfig(kubeconfig)
	if err == nil {
		// Certificates and keys that are none would else show at each attempt to connect.
		_, err = rest.TLSConfigFor(config)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	m := r.members[id]
	if err != nil {
		if m == nil {
			r.refused[id] = err
		}
		return err
	}
	delete(r.refused, id)
	if m == nil {
		m = newMember(r.ctx, id, &r.options)
		r.members[id] = m
	}
	m.connect(sha256.Sum256(kubeconfig), config)
	return nil
}

// Again ends the connection to a cluster, and makes another one by the same kubeconfig: whether it may be used is decided
// anew.
func (r *Registry) Again(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	before := r.members[id]
	if before == nil {
		return
	}
	r.remove(id)
	r.members[id] = newMember(r.ctx, id, &r.options)
	r.members[id].connect(before.by())
}

// Remove ends the connection to a cluster.
func (r *Registry) Remove(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.remove(id)
}

// Refuse ends the connection to a cluster, and says why there is none to whoever asks for it.
func (r *Registry) Refuse(id string, why error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.remove(id)
	r.refused[id] = why
}

// Miss says why there is no kubeconfig to connect to a cluster by, to whoever asks for it. What is connected stays.
func (r *Registry) Miss(id string, why error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.members[id] == nil {
		r.refused[id] = why
	}
}

// remove ends the connection to a cluster. Its caller holds the lock.
func (r *Registry) remove(id string) {
	if m := r.members[id]; m != nil {
		m.cancel()
	}
	delete(r.members, id)
	delete(r.refused, id)
	delete(r.identities, id)
}

// complete fills in the defaults.
func (t Timing) complete() Timing {
	for value, otherwise := range map[*time.Duration]time.Duration{
		&t.Sync:         time.Minute,
		&t.Probe:        5 * time.Second,
		&t.ProbeTimeout: 3 * time.Second,
		&t.FirstPause:   time.Second,
		&t.LongestPause: 5 * time.Minute,
	} {
		if *value <= 0 {
			*value = otherwise
		}
	}
	if t.Failures <= 0 {
		t.Failures = 3
	}
	return t
}
