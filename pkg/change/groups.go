package change

import (
	"maps"
	"reflect"
	"slices"
	"strings"

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
	// before and after are the overrides there, without scaling where that does not change: how many pods there are is
	// in no pod and no address, and is what most overrides are about.
	before, after map[string]any
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
			mesh:        gateway.Profile(c.old, gateway.Find(c.registered, id), id),
		}
		next.before, next.after = withoutScaling(branch(at(c.before, "spec", "overrides", id)), branch(at(c.after, "spec", "overrides", id)))
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

// withoutScaling is two versions of an override without what scales, if that is the same in both.
func withoutScaling(before, after map[string]any) (map[string]any, map[string]any) {
	left, right := maps.Clone(before), maps.Clone(after)
	of := reflect.TypeFor[v1beta1.Scaling]()
	for i := range of.NumField() {
		name, _, _ := strings.Cut(of.Field(i).Tag.Get("json"), ",")
		if !reflect.DeepEqual(left[name], right[name]) {
			return before, after
		}
		delete(left, name)
		delete(right, name)
	}
	return left, right
}
