package reconcile

import (
	"context"
	"fmt"

	"sigs.k8s.io/controller-runtime/pkg/client"
	crcluster "sigs.k8s.io/controller-runtime/pkg/cluster"

	"portcullis.dev/portcullis/pkg/render"
)

// indexGateway is under which a cache finds the objects of a gateway: going through those of all gateways, kind by kind, in
// every pass over each is what a thousand of them have no time for.
const indexGateway = "gateway"

// indexed makes a cache find the objects of a gateway.
func indexed(ctx context.Context, indexer client.FieldIndexer) error {
	for _, kind := range ownedKinds() {
		if err := indexer.IndexField(ctx, kind.object, indexGateway, gatewayNamed); err != nil {
			return fmt.Errorf("indexing %T: %w", kind.object, err)
		}
	}
	return nil
}

// gatewayNamed is the gateway that an object says it is of.
func gatewayNamed(object client.Object) []string {
	return []string{object.GetLabels()[render.LabelGateway]}
}

// index makes the cache of a connected cluster find them.
func index(ctx context.Context, _ string, connection crcluster.Cluster) error {
	return indexed(ctx, connection.GetFieldIndexer())
}
