package reconcile

import (
	"maps"
	"sync"

	"k8s.io/apimachinery/pkg/types"
)

// reports keeps what came of the last pass over each target until the gateway's worker writes it down. What it holds is
// lost with the process, and found again by the first pass after it. The zero value holds nothing.
type reports[R any] struct {
	mu        sync.Mutex
	byGateway map[types.NamespacedName]map[string]R
}

// keep keeps what came of a target.
func (r *reports[R]) keep(target Target, report R) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.byGateway == nil {
		r.byGateway = map[types.NamespacedName]map[string]R{}
	}
	if r.byGateway[target.Gateway] == nil {
		r.byGateway[target.Gateway] = map[string]R{}
	}
	r.byGateway[target.Gateway][target.Cluster] = report
}

// last is what was reported last of a target, if anything was.
func (r *reports[R]) last(target Target) (report R, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	report, ok = r.byGateway[target.Gateway][target.Cluster]
	return report, ok
}

// of lists what was reported of a gateway's targets, by cluster.
func (r *reports[R]) of(gateway types.NamespacedName) map[string]R {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.byGateway[gateway])
}

// retain drops what was reported of a gateway but for some clusters.
func (r *reports[R]) retain(gateway types.NamespacedName, clusters map[string]bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	maps.DeleteFunc(r.byGateway[gateway], func(id string, _ R) bool { return !clusters[id] })
	if len(r.byGateway[gateway]) == 0 {
		delete(r.byGateway, gateway)
	}
}
