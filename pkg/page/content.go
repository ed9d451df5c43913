package page

import (
	"context"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/api/v1alpha1"
)

// What a viewer must be allowed to read, to see the part of the page that is made of it.
var (
	gatewaysResource = schema.GroupResource{Group: v1beta1.GroupVersion.Group, Resource: "istiogateways"}
	clustersResource = schema.GroupResource{Group: v1alpha1.GroupVersion.Group, Resource: "gatewayclusters"}
	policiesResource = schema.GroupResource{Group: v1alpha1.GroupVersion.Group, Resource: "gatewaypolicies"}
)

// content is what one viewer sees.
type content struct {
	// Viewer is their name, Replica the webhook that they look at, and At when.
	Viewer, Replica, At string
	Fleet               fleet
	Decisions           decisions
	Clusters            clusters
	Rules               rules
}

// content gathers what a viewer may see.
func (h *Handler) content(ctx context.Context, v *viewer) (content, error) {
	out := content{Viewer: v.user.Username, Replica: h.Replica, At: h.Now().UTC().Format(time.RFC3339)}
	var err error
	if out.Fleet, err = h.fleet(ctx, v); err != nil {
		return content{}, err
	}
	if out.Decisions, err = h.decisions(ctx, v); err != nil {
		return content{}, err
	}
	if out.Clusters, err = h.clusters(ctx, v); err != nil {
		return content{}, err
	}
	out.Rules, err = h.rules(ctx, v)
	return out, err
}
