package change

import (
	"reflect"
	"slices"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/api/v1alpha1"
	"portcullis.dev/portcullis/pkg/gateway"
)

// group is clusters in which the change is the same but for the cluster's name, so that one of them is judged for all.
type group struct {
	// ids are the clusters' IDs; the first one is judged.
	ids []string
	// namedBefore and namedAfter say whether the versions name the clusters, managed whether a managed gateway is there.
	namedBefore, namedAfter, managed bool
	// before and after are the overrides there.
	before, after any
	// mesh is the mesh profile there.
	mesh v1alpha1.MeshProfile
}

// groups sorts the clusters where the old version is into groups.
func (c *comparison) groups() []group {
	var out []group
	named := func(gw *v1beta1.IstioGateway, id string) bool {
		return gw != nil && slices.Contains(gw.Spec.ClusterIDs, id)
	}
	managed := c.managedClusters(c.old)
	for _, id := range c.clusters(c.old) {
		next := group{
			ids:         []string{id},
			namedBefore: named(c.old, id),
			namedAfter:  named(c.new, id),
			managed:     slices.Contains(managed, id),
			before:      at(c.before, "spec", "overrides", id),
			after:       at(c.after, "spec", "overrides", id),
			mesh:        gateway.Profile(c.old, gateway.Find(c.registered, id), id),
		}
		if i := slices.IndexFunc(out, next.like); i >= 0 {
			out[i].ids = append(out[i].ids, id)
			continue
		}
		out = append(out, next)
	}
	return out
}

// like says whether the clusters of two groups belong into one.
func (g group) like(other group) bool {
	return g.namedBefore == other.namedBefore && g.namedAfter == other.namedAfter && g.managed == other.managed &&
		reflect.DeepEqual(g.before, other.before) &&
		reflect.DeepEqual(g.after, other.after) &&
		reflect.DeepEqual(g.mesh, other.mesh)
}
