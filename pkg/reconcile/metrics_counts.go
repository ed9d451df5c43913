package reconcile

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/types"

	"portcullis.dev/portcullis/pkg/api/v1alpha1"
)

// What became of an object that was applied, or of a pass over a gateway in a cluster.
const (
	resultCreated     = "created"
	resultChanged     = "changed"
	resultUnchanged   = "unchanged"
	resultFailed      = "failed"
	resultUnreachable = "unreachable"
	resultConflict    = "conflict"
)

// Writers are told apart by name until there are so many. Anybody can write under any name, and each name is a series
// for ever; those that come later are all called otherWriters.
const (
	mostWriters  = 16
	otherWriters = "other"
)

// counts tells how often the controller did what. Nil tells nobody.
type counts struct {
	applies, passes, drift *prometheus.CounterVec
	used, expired          prometheus.Counter

	mu      sync.Mutex
	writers map[string]bool
	// waiting are the approvals that may still expire, and when they do.
	waiting map[types.UID]time.Time
}

// newCounts starts at zero, with every result that there can be: an increase from nothing is one that nobody sees.
func newCounts() *counts {
	counter := func(name, help string) prometheus.CounterOpts {
		return prometheus.CounterOpts{Name: "portcullis_" + name, Help: help}
	}
	c := &counts{
		applies: prometheus.NewCounterVec(counter("applies_total", "Objects of gateways that were brought to what they shall be, by kind and result: created, changed, unchanged, or failed."), []string{"kind", "result"}),
		passes:  prometheus.NewCounterVec(counter("passes_total", "Passes over a gateway in a cluster, by result: changed, unchanged, failed, unreachable when the cluster is, or conflict when somebody else wrote at the same time."), []string{"result"}),
		drift:   prometheus.NewCounterVec(counter("drift_corrected_total", "Objects of gateways that somebody else had changed and that were put right, by who had: the field manager, for the first 16 of them, and other for the rest."), []string{"writer"}),
		used:    prometheus.NewCounter(counter("approvals_used_total", "ChangeApprovals that were used.")),
		expired: prometheus.NewCounter(counter("approvals_expired_total", "ChangeApprovals whose time ended before they were used.")),
		writers: map[string]bool{},
		waiting: map[types.UID]time.Time{},
	}
	for _, result := range []string{resultChanged, resultUnchanged, resultFailed, resultUnreachable, resultConflict} {
		c.passes.WithLabelValues(result)
	}
	for _, kind := range appliedKinds() {
		for _, result := range []string{resultCreated, resultChanged, resultUnchanged, resultFailed} {
			c.applies.WithLabelValues(kind, result)
		}
	}
	c.drift.WithLabelValues(otherWriters)
	return c
}

// collectors are what is to be registered.
func (c *counts) collectors() []prometheus.Collector {
	return []prometheus.Collector{c.applies, c.passes, c.drift, c.used, c.expired}
}

// applied counts one object that was applied, or was not.
func (c *counts) applied(ctx context.Context, kind string, done applied, err error) {
	if c == nil {
		return
	}
	result := resultUnchanged
	switch {
	case err != nil:
		result = resultFailed
	case done.created:
		result = resultCreated
	case done.changed || done.drifted != "":
		result = resultChanged
	}
	if result == resultCreated || result == resultChanged {
		noteChange(ctx)
	}
	c.applies.WithLabelValues(kind, result).Inc()
	if err == nil && done.drifted != "" {
		c.drift.WithLabelValues(c.writer(done.drifted)).Inc()
	}
}

// writer is the label for a writer: its name while there are few.
func (c *counts) writer(name string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.writers[name] && len(c.writers) >= mostWriters {
		return otherWriters
	}
	c.writers[name] = true
	return name
}

// passed counts a pass, by what it ended with.
func (c *counts) passed(ctx context.Context, result outcome, err error) {
	if c == nil {
		return
	}
	word := resultUnchanged
	switch {
	case isRace(err):
		word = resultConflict
	case err != nil:
		word = resultFailed
	case result.unreachable:
		word = resultUnreachable
	case changed(ctx):
		word = resultChanged
	}
	c.passes.WithLabelValues(word).Inc()
}

// usedOne counts an approval that was used.
func (c *counts) usedOne() {
	if c != nil {
		c.used.Inc()
	}
}

// looked counts an approval that has expired since it was looked at last, and says whether it has. It says too how long it
// takes until it does; zero when it cannot any more. What had expired before this process began was counted by the one
// before.
func (c *counts) looked(approval *v1alpha1.ChangeApproval, now time.Time) (left time.Duration, expired bool) {
	_, until := window(approval)
	left = until.Sub(now)
	if c == nil {
		return 0, false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	_, waited := c.waiting[approval.UID]
	if approval.Status.UsedBy == nil && left > 0 {
		c.waiting[approval.UID] = until
		return left, false
	}
	if expired = waited && approval.Status.UsedBy == nil; expired {
		c.expired.Inc()
	}
	delete(c.waiting, approval.UID)
	c.dropDeleted(now)
	return 0, expired
}

// dropDeleted forgets the approvals that should have been looked at again and were not: somebody deleted them.
func (c *counts) dropDeleted(now time.Time) {
	for uid, until := range c.waiting {
		if now.Sub(until) > time.Hour {
			delete(c.waiting, uid)
		}
	}
}

// changesKey is where a pass notes that it changed something.
type changesKey struct{}

// noticing is a context in which changes are noted.
func noticing(ctx context.Context) context.Context {
	return context.WithValue(ctx, changesKey{}, new(atomic.Bool))
}

// noteChange notes a change.
func noteChange(ctx context.Context) {
	if noted, ok := ctx.Value(changesKey{}).(*atomic.Bool); ok {
		noted.Store(true)
	}
}

// changed says whether a change was noted.
func changed(ctx context.Context) bool {
	noted, ok := ctx.Value(changesKey{}).(*atomic.Bool)
	return ok && noted.Load()
}

// appliedKinds are the kinds of Kubernetes' own that gateways are made of.
func appliedKinds() []string {
	return []string{"ServiceAccount", "Role", "RoleBinding", "Service", "Deployment", "HorizontalPodAutoscaler", "PodDisruptionBudget"}
}

// RegisterMetrics registers the controller's metrics beside no controller, for those who want to know which there are.
func RegisterMetrics(registry prometheus.Registerer) error {
	return registerMetrics(registry, newFleet(nil), newCounts(), newLostAddresses())
}

// registerMetrics registers what is told of the fleet and what is counted.
func registerMetrics(registry prometheus.Registerer, told fleet, counted *counts, lost lostAddresses) error {
	var errs []error
	for _, collector := range append(counted.collectors(), told, lost) {
		errs = append(errs, registry.Register(collector))
	}
	return errors.Join(errs...)
}
