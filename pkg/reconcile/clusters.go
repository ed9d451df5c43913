package reconcile

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	crcluster "sigs.k8s.io/controller-runtime/pkg/cluster"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/api/v1alpha1"
	connected "portcullis.dev/portcullis/pkg/cluster"
	"portcullis.dev/portcullis/pkg/gateway"
)

// connections hands out what is connected; it never waits.
type connections interface {
	Get(id string) (crcluster.Cluster, error)
}

// clusters are all that we can write to.
type clusters struct {
	// local is the one that we run in, and home is its identity.
	local *cluster
	home  string
	// remote are the others.
	remote connections

	mu sync.Mutex
	// known remembers for each connection what was written through it; a new connection starts with nothing.
	known map[string]known
}

// known is a connection and the cluster that writes through it.
type known struct {
	connection crcluster.Cluster
	cluster    *cluster
}

// newClusters are the one that we run in, and no other yet.
func newClusters(ctx context.Context, mgr manager.Manager) (*clusters, error) {
	home, err := connected.Identity(ctx, mgr.GetAPIReader())
	if err != nil {
		return nil, fmt.Errorf("asking which cluster this is: %w", err)
	}
	return &clusters{local: newClusterBehind(mgr), home: home, known: map[string]known{}}, nil
}

// of is the cluster that one of all registrations means. An error says since when and why it is not connected, or as what
// it is registered already.
func (c *clusters) of(registered *v1alpha1.GatewayCluster, all []v1alpha1.GatewayCluster) (*cluster, error) {
	if !isLocal(registered) {
		return c.elsewhere(registered.Name)
	}
	if err := connected.Twin(all, registered.Name, c.home); err != nil {
		return nil, err
	}
	return c.local, nil
}

// elsewhere is the connected cluster of an ID.
func (c *clusters) elsewhere(id string) (*cluster, error) {
	connection, err := c.remote.Get(id)
	if twin, ok := errors.AsType[*connected.TwinError](err); ok {
		return nil, twin
	}
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	last := c.known[id]
	if last.connection != connection {
		last = known{connection, newClusterBehind(connection)}
		c.known[id] = last
	}
	return last.cluster, nil
}

// keeping is a cluster by the registration that it is worked on by, where another one was refused because of it; nil while
// what a gateway left there under the other one must not go: as long as it is wanted there, and not all of it that stays is
// the registration's own.
func (c *clusters) keeping(refused error, gw *v1beta1.IstioGateway, all []v1alpha1.GatewayCluster) *cluster {
	twin, ok := errors.AsType[*connected.TwinError](refused)
	if !ok {
		return nil
	}
	keeper := gateway.Find(all, twin.As)
	entry, _ := entryOf(gw, twin.As)
	if keeper == nil || slices.Contains(wanted(gw, all), twin.As) && entry.ObservedGeneration != gw.Generation {
		return nil
	}
	out, err := c.of(keeper, all)
	if err != nil {
		return nil
	}
	return out
}

// connectedFunc is told of a new connection to a cluster, with a context that ends with it.
type connectedFunc func(ctx context.Context, id string, connection crcluster.Cluster) error

// watch wakes a target's worker when one of its objects in a connected cluster changes. The watches end with the
// connection. They are started behind a function because the controller waits for every source that it knows, and a
// cluster that is lost in the middle must not keep it waiting.
func watch(worker controller.TypedController[Target]) connectedFunc {
	return func(ctx context.Context, id string, connection crcluster.Cluster) error {
		for _, kind := range ownedKinds() {
			from := source.TypedKind(connection.GetCache(), kind.object, handler.TypedEnqueueRequestsFromMapFunc(targetsOfObject))
			err := worker.Watch(source.TypedFunc[Target](func(_ context.Context, queue workqueue.TypedRateLimitingInterface[Target]) error {
				return from.Start(ctx, queue)
			}))
			if err != nil {
				return fmt.Errorf("watching %T in cluster %s: %w", kind.object, id, err)
			}
		}
		return nil
	}
}

// setupClusters connects to the clusters that are registered.
func setupClusters(ctx context.Context, mgr manager.Manager, whenConnected []connectedFunc, options Options) (connections, error) {
	ours, err := ourLabel()
	if err != nil {
		return nil, err
	}
	changed := make(connected.Signal)
	registry := connected.NewRegistry(ctx, connected.Options{
		Scheme: mgr.GetScheme(),
		Cache:  cache.Options{DefaultLabelSelector: ours},
		Kinds:  objectsOwned(),
		Connected: func(ctx context.Context, id string, connection crcluster.Cluster) error {
			for _, tell := range whenConnected {
				if err := tell(ctx, id, connection); err != nil {
					return err
				}
			}
			return nil
		},
		Registered: func(ctx context.Context) ([]v1alpha1.GatewayCluster, error) {
			return listClusters(ctx, mgr.GetClient())
		},
		Changed: changed.Send,
		Timing:  options.Connecting,
	})
	if options.Metrics != nil {
		if err := options.Metrics.Register(registry); err != nil {
			return nil, fmt.Errorf("registering the metrics: %w", err)
		}
	}
	return registry, connected.Setup(mgr, registry, changed, options.RemoteSecrets)
}

// clusterChanged passes on what of a cluster can change a target: its registration, whether it can be reached, and what
// is known of it.
func clusterChanged() predicate.Predicate {
	return predicate.Or(predicate.GenerationChangedPredicate{}, predicate.Funcs{UpdateFunc: func(e event.UpdateEvent) bool {
		before, isOld := e.ObjectOld.(*v1alpha1.GatewayCluster)
		after, isNew := e.ObjectNew.(*v1alpha1.GatewayCluster)
		return isOld && isNew && (reachable(before) != reachable(after) || !equality.Semantic.DeepEqual(before.Status.Facts, after.Status.Facts))
	}})
}

// reachability is what a cluster's condition Reachable says.
func reachability(cluster *v1alpha1.GatewayCluster) metav1.ConditionStatus {
	if condition := meta.FindStatusCondition(cluster.Status.Conditions, v1alpha1.ConditionReachable); condition != nil {
		return condition.Status
	}
	return metav1.ConditionUnknown
}

// reachable is all that a cluster's condition Reachable says, but for the words of a network, which differ each time.
func reachable(cluster *v1alpha1.GatewayCluster) string {
	condition := meta.FindStatusCondition(cluster.Status.Conditions, v1alpha1.ConditionReachable)
	if condition == nil {
		return ""
	}
	words := condition.Message
	if condition.Reason == connected.ReasonNotConnected {
		words = ""
	}
	return string(condition.Status) + condition.Reason + words
}
