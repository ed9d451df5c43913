package change

import (
	"cmp"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/types"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/api/v1alpha1"
	"portcullis.dev/portcullis/pkg/gateway"
	"portcullis.dev/portcullis/pkg/render"
)

// meshKey and rendererKey begin the paths of what an upgrade changes. No field of a gateway begins so: a change of
// the gateway never has the digest of an upgrade.
const (
	meshKey     = "mesh"
	rendererKey = "renderer"
)

// Upgrade says what of a cluster's newest mesh profile would restart a gateway's pods there, each field with its value
// in the profile that the gateway's status pins and in the newest; nothing when rolling to the newest restarts nothing.
// What of the profile restarts nothing is not listed.
func Upgrade(gw *v1beta1.IstioGateway, in *v1alpha1.GatewayCluster) ([]Field, error) {
	from, to := gateway.Place(gw, in), gateway.PlaceNewest(gw, in)
	before, after, err := trees(from.Mesh, to.Mesh)
	if err != nil {
		return nil, fmt.Errorf("comparing mesh profiles: %w", err)
	}
	var changed []Field
	diff([]string{meshKey}, before, after, &changed)
	// They come from a map: without an order the smallest set that restarts would be another one each time.
	slices.SortFunc(changed, func(a, b Field) int { return cmp.Compare(a.Path, b.Path) })
	runs, err := render.Render(from)
	if err != nil {
		return nil, fmt.Errorf("rendering with the pinned profile: %w", err)
	}
	restartsWith := func(mesh v1alpha1.MeshProfile) (bool, error) {
		other := *in
		other.Spec.Mesh = &mesh
		wanted, err := render.Render(gateway.PlaceNewest(gw, &other))
		if err != nil {
			return false, fmt.Errorf("rendering with a newer profile: %w", err)
		}
		return restarts(runs, wanted)
	}
	if all, err := restartsWith(to.Mesh); err != nil || !all {
		return nil, err
	}
	err = cause(changed, Restart, in.Name, func(set map[int]bool) (bool, error) {
		partial, err := partialMesh(from.Mesh, changed, set)
		if err != nil {
			return false, err
		}
		return restartsWith(partial)
	})
	return slices.DeleteFunc(changed, func(field Field) bool { return len(field.Effects) == 0 }), err
}

// Renderer is the change from the renderer that made what runs in a cluster, zero when nobody knows, to this one.
func Renderer(running int64, clusterID string) Field {
	field := Field{Path: rendererKey, After: render.Version, Effects: []Effect{Restart}, Clusters: []string{clusterID}}
	if running != 0 {
		field.Before = running
	}
	return field
}

// partialMesh is a profile with some of its changed fields as they are after the change.
func partialMesh(from v1alpha1.MeshProfile, changed []Field, set map[int]bool) (v1alpha1.MeshProfile, error) {
	partial, err := treeOf(from)
	if err != nil {
		return v1alpha1.MeshProfile{}, err
	}
	for i := range set {
		put(partial, changed[i].keys[1:], changed[i].After)
	}
	var out v1alpha1.MeshProfile
	err = fromTree(partial, &out)
	return out, err
}

// Merge joins what is held in the clusters of a gateway into one change: what is the same in several is told once.
func Merge(uid types.UID, held ...[]Field) (Change, error) {
	out := None()
	position := map[string]int{}
	for _, field := range slices.Concat(held...) {
		key, err := hashed([]any{field.Path, field.Before, field.After, field.Effects})
		if err != nil {
			return Change{}, err
		}
		for _, effect := range field.Effects {
			out.Effects[effect] = append(out.Effects[effect], field.Clusters...)
		}
		at, known := position[key]
		if !known {
			position[key] = len(out.Changes)
			field.Clusters = slices.Clone(field.Clusters)
			out.Changes = append(out.Changes, field)
			continue
		}
		out.Changes[at].Clusters = append(out.Changes[at].Clusters, field.Clusters...)
	}
	for i := range out.Changes {
		out.Changes[i].Clusters = sorted(out.Changes[i].Clusters)
	}
	for effect, ids := range out.Effects {
		out.Effects[effect] = sorted(ids)
	}
	slices.SortFunc(out.Changes, func(a, b Field) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), slices.Compare(a.Clusters, b.Clusters))
	})
	var err error
	out.Digest, err = Digest(uid, out.Changes)
	return out, err
}

// Part is what of a change happens in one cluster, as it is told there alone.
func Part(changes []Field, clusterID string) []Field {
	var out []Field
	for _, field := range changes {
		if slices.Contains(field.Clusters, clusterID) {
			field.Clusters = []string{clusterID}
			out = append(out, field)
		}
	}
	return out
}

// Same says whether two lists tell of the same changes.
func Same(a, b []Field) (bool, error) {
	left, err := hashed(a)
	if err != nil {
		return false, err
	}
	right, err := hashed(b)
	return left == right, err
}

// sorted is a list in order, each item once.
func sorted(list []string) []string {
	slices.Sort(list)
	return slices.Compact(list)
}
