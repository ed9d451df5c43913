package cluster

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/cluster"
)

// ErrNotRegistered is the cause where a Registry knows nothing of a cluster: nobody registered it, or what is registered was
// not looked at yet, as after a start.
var ErrNotRegistered = errors.New("no kubeconfig is registered for it")

// errNotSynced stands in the way of a connection that does not get to know what there is.
var errNotSynced = errors.New("its objects must be read within the time for it, have not been")

// member is one registered cluster: the connection that is in use, and the one that is being made.
type member struct {
	// ctx ends everything of the member.
	ctx     context.Context
	cancel  context.CancelFunc
	id      string
	options *Options

	mu sync.RWMutex
	// hash of the kubeconfig that is or shall be connected by, and what it says.
	hash   [sha256.Size]byte
	config *rest.Config
	// current is the connection in use, nil when there is none; end ends it.
	current cluster.Cluster
	end     context.CancelFunc
	// attempt ends the goroutine that connects and then probes.
	attempt context.CancelFunc
	// lost is why the cluster cannot be used, since when; nil while it can.
	lost  error
	since time.Time
	// counts are for the metrics.
	counts counts
}

// newMember is not connected yet.
func newMember(ctx context.Context, id string, options *Options) *member {
	ctx, cancel := context.WithCancel(ctx)
	return &member{ctx: ctx, cancel: cancel, id: id, options: options, since: time.Now()}
}

// get is the connection, unless there is none or it is lost.
func (m *member) get() (cluster.Cluster, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if m.current == nil || m.lost != nil {
		return nil, &NotConnectedError{ID: m.id, Since: m.since, Cause: m.lost}
	}
	return m.current, nil
}

// connect starts to connect, unless that is what is connected or being connected already.
func (m *member) connect(hash [sha256.Size]byte, config *rest.Config) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.attempt != nil && m.hash == hash {
		return
	}
	if m.attempt != nil {
		m.attempt()
	}
	m.hash, m.config = hash, config
	var ctx context.Context
	ctx, m.attempt = context.WithCancel(m.ctx)
	go m.run(ctx, config)
}

// by is the kubeconfig that is or shall be connected by.
func (m *member) by() ([sha256.Size]byte, *rest.Config) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.hash, m.config
}

// run connects, however often it takes, and watches over the connection until the context ends.
func (m *member) run(ctx context.Context, config *rest.Config) {
	pause := wait.Backoff{
		Duration: m.options.Timing.FirstPause, Cap: m.options.Timing.LongestPause,
		Factor: 2, Jitter: 0.2, Steps: math.MaxInt,
	}
	for ctx.Err() == nil {
		began := time.Now()
		connection, end, err := m.open(ctx, config)
		if err == nil {
			m.use(ctx, connection, end, time.Since(began))
			m.watchOver(ctx, connection)
			return
		}
		m.note(ctx, fmt.Errorf("connecting: %w", err))
		pass(ctx, pause.Step())
	}
}

// open makes a connection whose cache is filled. It serves until end is called, which is not when the attempt ends: a
// rotation replaces the attempt while the connection serves on.
func (m *member) open(ctx context.Context, config *rest.Config) (connection cluster.Cluster, end context.CancelFunc, err error) {
	connection, err = newConnection(config, m.options)
	if err != nil {
		return nil, nil, err
	}
	// Asked first: an API server that does not answer then says why, where a cache would only be late.
	if err := m.probe(ctx, connection); err != nil {
		return nil, nil, err
	}
	// Before anything else is asked or watched: a cluster that somebody else has is not ours to look at under this name.
	if err := m.admitted(ctx, connection); err != nil {
		return nil, nil, err
	}
	running, end := context.WithCancel(m.ctx)
	go func() {
		// Without a cache to wait for, nobody would hear of it otherwise.
		if err := connection.Start(running); err != nil {
			m.note(running, fmt.Errorf("running: %w", err))
		}
	}()
	if err := m.fill(ctx, running, connection); err != nil {
		end()
		return nil, nil, err
	}
	return connection, end, nil
}

// admitted asks whether a connection may be used.
func (m *member) admitted(ctx context.Context, connection cluster.Cluster) error {
	ctx, cancel := context.WithTimeout(ctx, m.options.Timing.Sync)
	defer cancel()
	return m.options.admit(ctx, m.id, connection.GetAPIReader())
}

// fill starts the watches on a connection and waits until its cache holds what is there.
func (m *member) fill(ctx, running context.Context, connection cluster.Cluster) error {
	if m.options.Connected != nil {
		if err := m.options.Connected(running, m.id, connection); err != nil {
			return fmt.Errorf("starting watches: %w", err)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, m.options.Timing.Sync)
	defer cancel()
	for _, object := range m.options.Kinds {
		// Each blocks until the kind is in memory.
		if _, err := connection.GetCache().GetInformer(ctx, object); err != nil {
			return fmt.Errorf("reading %T: %w", object, err)
		}
	}
	if !connection.GetCache().WaitForCacheSync(ctx) {
		return errNotSynced
	}
	return nil
}

// use puts a connection in the place of the one before it, unless its attempt was replaced meanwhile.
func (m *member) use(ctx context.Context, connection cluster.Cluster, end context.CancelFunc, took time.Duration) {
	m.mu.Lock()
	if ctx.Err() != nil {
		m.mu.Unlock()
		end()
		return
	}
	before := m.end
	m.current, m.end, m.lost, m.since = connection, end, nil, time.Now()
	m.counts.made++
	m.counts.synced = took.Seconds()
	m.mu.Unlock()
	if before != nil {
		before()
	}
	m.changed(ctx)
}

// note keeps why a connection was not made. While an older one serves on, nothing is lost.
func (m *member) note(ctx context.Context, cause error) {
	m.mu.RLock()
	serves := m.current != nil && m.lost == nil
	m.mu.RUnlock()
	if !serves {
		m.mark(ctx, cause)
	}
}

// mark notes whether the cluster can be used (nil) or why not, and tells when that is news.
func (m *member) mark(ctx context.Context, lost error) {
	m.mu.Lock()
	if ctx.Err() != nil {
		m.mu.Unlock()
		return
	}
	news := (lost == nil) != (m.lost == nil)
	m.lost = lost
	if news {
		m.since = time.Now()
	}
	if news && lost != nil && m.current != nil {
		m.counts.lost++
	}
	m.mu.Unlock()
	if news {
		m.changed(ctx)
	}
}

// changed tells that the cluster can be used now, or no longer.
func (m *member) changed(ctx context.Context) {
	if m.options.Changed != nil {
		m.options.Changed(ctx, m.id)
	}
}

// pass waits, or until the context ends.
func pass(ctx context.Context, time time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, time)
	defer cancel()
	<-ctx.Done()
}
