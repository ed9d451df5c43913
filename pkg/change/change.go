// Package change says what a change to a gateway does to traffic, cluster by cluster and field by field. It
// renders before and after with the renderer that the controller uses, so what it says is what happens.
package change

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/api/v1alpha1"
	"portcullis.dev/portcullis/pkg/gateway"
	"portcullis.dev/portcullis/pkg/render"
)

// Effect is something that a change does to traffic in a cluster.
type Effect string

// The effects that need an approval.
const (
	// Restart: every pod of the gateway is replaced.
	Restart Effect = "Restart"
	// AddressLoss: the load balancer's address is released.
	AddressLoss Effect = "AddressLoss"
)

// Change is what differs between two versions of a gateway, and what that does.
type Change struct {
	// Effects lists, for each effect, the IDs of the clusters where it happens, sorted.
	Effects map[Effect][]string `json:"effects"`
	// Changes lists the changed fields, sorted by path.
	Changes []Field `json:"changes"`
	// Digest names this change of this gateway, sha256:<hex>; empty when nothing changed.
	Digest string `json:"digest"`
}

// Field is one changed field.
type Field struct {
	// Path of the field, for example spec.resources.limits.memory.
	Path string `json:"path"`
	// Before and After are the field's values, absent where it is not set.
	Before any `json:"before,omitempty"`
	After  any `json:"after,omitempty"`
	// Effects that the field causes, sorted; empty when it causes none.
	Effects []Effect `json:"effects"`
	// Clusters where it causes them, sorted.
	Clusters []string `json:"clusters"`

	// keys is the path as keys, for setting the field alone.
	keys []string
}

// None is the change that changes nothing.
func None() Change {
	return Change{Effects: map[Effect][]string{Restart: {}, AddressLoss: {}}, Changes: []Field{}}
}

// Between says what changing old into new does, under the mesh profiles that the status of old pins. old is nil for a
// new gateway, new for one that goes.
func Between(old, new *v1beta1.IstioGateway, registered []v1alpha1.GatewayCluster) (Change, error) {
	out := None()
	if old == nil {
		// What does not run yet can neither restart nor lose an address.
		return out, nil
	}
	changed, err := fields(old, new)
	if err != nil {
		return Change{}, err
	}
	// Both with the pins of what is stored: an approval of this change lets no newer mesh profile in beside it.
	new = gateway.WithPins(new, old)
	for _, id := range gateway.Clusters(old, registered) {
		if err := out.judge(cluster{old, new, id, registered}, changed); err != nil {
			return Change{}, fmt.Errorf("judging the change in cluster %s: %w", id, err)
		}
	}
	for i := range changed {
		slices.Sort(changed[i].Effects)
		changed[i].Effects = slices.Compact(changed[i].Effects)
		slices.Sort(changed[i].Clusters)
		changed[i].Clusters = slices.Compact(changed[i].Clusters)
	}
	out.Changes = append(out.Changes, changed...)
	out.Digest, err = Digest(old.UID, out.Changes)
	return out, err
}

// judge notes what the change does in one cluster where the gateway is, and which fields do it.
func (c *Change) judge(in cluster, changed []Field) error {
	// Nothing that decides what runs has changed: an edit of labels, a finalizer that goes.
	if len(changed) == 0 {
		return nil
	}
	before, after := in.render(in.old), in.render(in.new)
	for _, effect := range effects() {
		happens, err := effect.happens(before, after)
		if err != nil {
			return err
		}
		if !happens {
			continue
		}
		c.Effects[effect.name] = append(c.Effects[effect.name], in.id)
		err = cause(changed, effect.name, in.id, func(set map[int]bool) (bool, error) {
			partial, err := apply(in.old, changed, set)
			if err != nil {
				return false, err
			}
			return effect.happens(before, in.render(partial))
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// cluster is one cluster in which a change is judged.
type cluster struct {
	old, new   *v1beta1.IstioGateway
	id         string
	registered []v1alpha1.GatewayCluster
}

// version is what one version of the gateway is in a cluster.
type version struct {
	// placed says whether it is there at all; objects is what it is, nothing where it is not.
	placed  bool
	objects render.Objects
	// err says why it cannot be rendered.
	err error
}

// render is what a version of the gateway is in the cluster.
func (c cluster) render(gw *v1beta1.IstioGateway) version {
	if gw == nil || !slices.Contains(gateway.Clusters(gw, c.registered), c.id) {
		return version{}
	}
	objects, err := render.Render(gateway.Place(gw, clusterOf(c.registered, c.id)))
	return version{placed: true, objects: objects, err: err}
}

// happens says whether going from one version to another has the effect.
//
// What cannot be rendered cannot be predicted, so it counts as having the effect. It is no error: a gateway
// that cannot be rendered must be possible to mend, and to delete.
func (e effect) happens(before, after version) (bool, error) {
	if before.err != nil || after.err != nil {
		return e.name == AddressLoss || after.placed, nil
	}
	return e.does(before.objects, after.objects)
}

// balanced says whether a gateway has a load balancer.
func balanced(objects render.Objects) bool {
	service := objects.Service
	return service != nil && service.Spec != nil && service.Spec.Type != nil && *service.Spec.Type == corev1.ServiceTypeLoadBalancer
}

// clusterOf is the registered cluster of an ID, or one of which nothing is known.
func clusterOf(registered []v1alpha1.GatewayCluster, id string) *v1alpha1.GatewayCluster {
	if known := gateway.Find(registered, id); known != nil {
		return known
	}
	unknown := &v1alpha1.GatewayCluster{}
	unknown.Name = id
	return unknown
}
