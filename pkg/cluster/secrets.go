package cluster

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/util/validation"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"portcullis.dev/portcullis/pkg/api/v1alpha1"
)

// LabelRemoteSecret marks Secrets with kubeconfigs, "true", as istioctl create-remote-secret makes them: a cluster's ID
// is the key, its kubeconfig the value. https://istio.io/latest/docs/reference/commands/istioctl/
const LabelRemoteSecret = "istio/multiCluster"

// LabelRegisteredBy, on a GatewayCluster, says that it was made for the Secret that it refers to, and goes with it.
const (
	LabelRegisteredBy = "portcullis.dev/registered-by"
	registrar         = "remote-secret"
)

// Registrar makes a GatewayCluster for each cluster in a Secret with the label of remote secrets, so that clusters which
// the mesh knows need not be registered twice.
type Registrar struct {
	// Client reads and writes GatewayClusters.
	Client client.Client
	// Live reads Secrets: they are never kept in memory.
	Live client.Reader
	// events tells people what was left aside.
	events events
}

// Reconcile makes the GatewayClusters of one Secret, and removes those that it no longer holds.
func (r *Registrar) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	secret := &corev1.Secret{}
	if err := r.Live.Get(ctx, request.NamespacedName, secret); client.IgnoreNotFound(err) != nil {
		return reconcile.Result{}, fmt.Errorf("reading Secret %s: %w", request.NamespacedName, err)
	}
	held := map[string]bool{}
	if secret.Labels[LabelRemoteSecret] == "true" && secret.DeletionTimestamp == nil {
		held = clustersOf(ctx, secret)
	}
	var errs []error
	for _, id := range slices.Sorted(maps.Keys(held)) {
		// One that does not work out must not keep the others away.
		errs = append(errs, r.register(ctx, id, request))
	}
	return reconcile.Result{}, errors.Join(append(errs, r.removeOthers(ctx, held, request))...)
}

// clustersOf are the IDs that a Secret holds kubeconfigs of.
func clustersOf(ctx context.Context, secret *corev1.Secret) map[string]bool {
	out := map[string]bool{}
	for id := range secret.Data {
		if wrong := validation.IsDNS1123Subdomain(id); len(wrong) > 0 {
			log.FromContext(ctx).Info("Left out a key that cannot name a GatewayCluster", "key", id, "why", wrong)
			continue
		}
		out[id] = true
	}
	return out
}

// register makes a GatewayCluster unless there is one: people's own, and the first Secret's, stay as they are.
func (r *Registrar) register(ctx context.Context, id string, from reconcile.Request) error {
	// Most often there is one. Whoever starts again need not ask to be refused.
	if err := r.leaveAside(ctx, id, from); !apierrors.IsNotFound(err) {
		return err
	}
	registered := &v1alpha1.GatewayCluster{}
	registered.Name = id
	registered.Labels = map[string]string{LabelRegisteredBy: registrar}
	registered.Spec.KubeconfigSecret = &v1alpha1.SecretReference{Namespace: from.Namespace, Name: from.Name}
	err := r.Client.Create(ctx, registered)
	if apierrors.IsAlreadyExists(err) {
		return r.leaveAside(ctx, id, from)
	}
	if err != nil {
		return fmt.Errorf("creating GatewayCluster %s: %w", id, err)
	}
	log.FromContext(ctx).Info("Registered a cluster", "cluster", id)
	return nil
}

// leaveAside tells of a kubeconfig that is not used because the cluster is registered otherwise.
func (r *Registrar) leaveAside(ctx context.Context, id string, from reconcile.Request) error {
	registered := &v1alpha1.GatewayCluster{}
	if err := r.Client.Get(ctx, client.ObjectKey{Name: id}, registered); err != nil {
		// One that is not seen yet is there a moment later, and one that is gone again can be made then.
		return fmt.Errorf("reading GatewayCluster %s: %w", id, err)
	}
	reference := registered.Spec.KubeconfigSecret
	if reference == nil || reference.Namespace != from.Namespace || reference.Name != from.Name {
		r.events.leftAside(registered, from.String())
	}
	return nil
}

// removeOthers removes what was made for a Secret and is no longer in it.
func (r *Registrar) removeOthers(ctx context.Context, held map[string]bool, from reconcile.Request) error {
	made := &v1alpha1.GatewayClusterList{}
	if err := r.Client.List(ctx, made, client.MatchingLabels{LabelRegisteredBy: registrar}); err != nil {
		return fmt.Errorf("listing GatewayClusters: %w", err)
	}
	var errs []error
	for i := range made.Items {
		reference := made.Items[i].Spec.KubeconfigSecret
		if held[made.Items[i].Name] || reference == nil || reference.Name != from.Name || reference.Namespace != from.Namespace {
			continue
		}
		if err := r.Client.Delete(ctx, &made.Items[i]); client.IgnoreNotFound(err) != nil {
			errs = append(errs, fmt.Errorf("deleting GatewayCluster %s: %w", made.Items[i].Name, err))
		}
	}
	return errors.Join(errs...)
}
