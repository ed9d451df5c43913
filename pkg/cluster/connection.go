package cluster

import (
	"context"
	"fmt"
	"net/http"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/cluster"
)

// newConnection prepares a connection; nothing is asked of the cluster yet.
func newConnection(config *rest.Config, options *Options) (cluster.Cluster, error) {
	return cluster.New(config, func(o *cluster.Options) {
		o.Scheme = options.Scheme
		o.Cache = options.Cache
		o.Cache.NewInformer = newInformer
		// What the cache is not told to hold is read from the API server: a rule for one namespace must not become a
		// watch on every Secret.
		o.Client = client.Options{Cache: &client.CacheOptions{DisableFor: options.Uncached}}
		o.MapperProvider = func(*rest.Config, *http.Client) (meta.RESTMapper, error) { return options.mapper, nil }
	})
}

// probe asks the cluster's API server whether it is ready. The answer has to come in time: a server that hangs is as
// lost as one that is down.
func (m *member) probe(ctx context.Context, connection cluster.Cluster) error {
	ctx, cancel := context.WithTimeout(ctx, m.options.Timing.ProbeTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, connection.GetConfig().Host+"/readyz", nil)
	if err != nil {
		return fmt.Errorf("asking whether it is ready: %w", err)
	}
	response, err := connection.GetHTTPClient().Do(request)
	if err != nil {
		return fmt.Errorf("asking whether it is ready: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("asking whether it is ready: answer must be 200, is %s", response.Status)
	}
	return nil
}

// watchOver probes a connection until the context ends. After so many failures in a row the cluster counts as lost, and
// as back with the first answer; the connection's own watches go on by themselves.
func (m *member) watchOver(ctx context.Context, connection cluster.Cluster) {
	failures := 0
	for ctx.Err() == nil {
		pass(ctx, m.options.Timing.Probe)
		err := m.probe(ctx, connection)
		if err == nil {
			failures = 0
			m.mark(ctx, nil)
			continue
		}
		if failures++; failures >= m.options.Timing.Failures {
			m.mark(ctx, err)
		}
	}
}
