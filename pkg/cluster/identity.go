package cluster

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"portcullis.dev/portcullis/pkg/api/v1alpha1"
)

// Identity tells a cluster from every other, by whichever address it is reached: it is the UID of the namespace
// kube-system, which a cluster has from its first start to its end. Where that may not be read, or is not there, it is
// unknown; an error is one that may pass.
func Identity(ctx context.Context, reader client.Reader) (string, error) {
	system := &corev1.Namespace{}
	err := reader.Get(ctx, client.ObjectKey{Name: metav1.NamespaceSystem}, system)
	switch {
	case apierrors.IsForbidden(err) || apierrors.IsNotFound(err) || err == nil && system.UID == "":
		return v1alpha1.IdentityUnknown, nil
	case err != nil:
		return "", fmt.Errorf("reading namespace %s: %w", metav1.NamespaceSystem, err)
	}
	return string(system.UID), nil
}

// TwinError says that a cluster is registered under another ID already.
type TwinError struct {
	// ID that the cluster has once more, and As, the one that it has had for longer.
	ID, As string
	// Identity is what both have in common.
	Identity string
}

// Error says as what it is registered, how that is known, and what to do.
func (e *TwinError) Error() string {
	return fmt.Sprintf("cluster %s is registered as %s already, as its namespace %s has the UID %s too: name %s in gateways instead, and delete the GatewayCluster %s or the Secret that registers it",
		e.ID, e.As, metav1.NamespaceSystem, e.Identity, e.As, e.ID)
}

// Keeper is the registration that a cluster of some identity is worked on by: of several the one that has been there for
// longest. It is nil when there is none.
func Keeper(all []v1alpha1.GatewayCluster, identity string) *v1alpha1.GatewayCluster {
	if !known(identity) {
		return nil
	}
	var out *v1alpha1.GatewayCluster
	for i := range all {
		if all[i].Status.Identity == identity && all[i].DeletionTimestamp == nil && (out == nil || byAge(&all[i], out) < 0) {
			out = &all[i]
		}
	}
	return out
}

// Twin is a TwinError when a registration, found to be of a cluster of some identity, is not the one that it is worked on
// by.
func Twin(all []v1alpha1.GatewayCluster, id, identity string) error {
	all = slices.Clone(all)
	for i := range all {
		if all[i].Name == id {
			all[i].Status.Identity = identity
		}
	}
	if keeper := Keeper(all, identity); keeper != nil && keeper.Name != id {
		return &TwinError{ID: id, As: keeper.Name, Identity: identity}
	}
	return nil
}

// known says whether an identity is one: neither unknown nor not found out yet.
func known(identity string) bool {
	return identity != "" && identity != v1alpha1.IdentityUnknown
}

// byAge orders registrations: the ones that have been there for longer first.
func byAge(a, b *v1alpha1.GatewayCluster) int {
	return cmp.Or(a.CreationTimestamp.Compare(b.CreationTimestamp.Time), cmp.Compare(a.Name, b.Name))
}

// admit lets a connection be used unless it leads to a cluster that is registered already. What was found out of it is
// kept, as the others' status says so only a moment later.
func (r *Registry) admit(ctx context.Context, id string, live client.Reader) error {
	if r.options.Registered == nil {
		return nil
	}
	identity, err := Identity(ctx, live)
	if err != nil {
		return err
	}
	all, err := r.options.Registered(ctx)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if ctx.Err() != nil {
		// It was taken away meanwhile, and is to leave nothing behind.
		return ctx.Err()
	}
	if err := Twin(r.completed(all), id, identity); err != nil {
		return err
	}
	r.identities[id] = identity
	return nil
}

// twin is a TwinError when a cluster, found to have some identity, is registered already.
func (r *Registry) twin(ctx context.Context, id, identity string) error {
	if r.options.Registered == nil {
		return nil
	}
	all, err := r.options.Registered(ctx)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.identities[id] != "" {
		r.identities[id] = identity
	}
	return Twin(r.completed(all), id, identity)
}

// completed are registrations with the identities that were found out when they were connected. Its caller holds the lock.
func (r *Registry) completed(all []v1alpha1.GatewayCluster) []v1alpha1.GatewayCluster {
	all = slices.Clone(all)
	for i := range all {
		all[i].Status.Identity = cmp.Or(r.identities[all[i].Name], all[i].Status.Identity)
	}
	return all
}
