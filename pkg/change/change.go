// Package change says what a change to a gateway does to traffic, cluster by cluster and field by field. It
// renders before and after with the renderer that the controller uses, so what it says is what happens.
package change

import (
	"fmt"
	"slices"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/api/v1alpha1"
)

// Effect is something that a change does to traffic in a cluster.
type Effect string

// The effects that need an approval.
const (
	// Restart: every pod of the gateway is replaced.
	Restart Effect = "Restart"
	// AddressLoss: an address of the load balancer is released.
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
	c, err := compare(old, new, registered)
	if err != nil {
		return Change{}, err
	}
	for _, group := range c.groups() {
		if err := c.judge(group, out.Effects); err != nil {
			return Change{}, fmt.Errorf("judging the change in cluster %s: %w", group.ids[0], err)
		}
	}
	for i := range c.changed {
		field := &c.changed[i]
		field.Effects = append([]Effect{}, set(field.Effects)...)
		field.Clusters = append([]string{}, set(field.Clusters)...)
	}
	for _, clusters := range out.Effects {
		slices.Sort(clusters)
	}
	out.Changes = append(out.Changes, c.changed...)
	out.Digest, err = Digest(old.UID, out.Changes)
	return out, err
}
