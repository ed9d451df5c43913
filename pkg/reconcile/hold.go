package reconcile

import (
	"context"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/runtime"
	appsv1ac "k8s.io/client-go/applyconfigurations/apps/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/api/v1alpha1"
	"portcullis.dev/portcullis/pkg/change"
	"portcullis.dev/portcullis/pkg/gateway"
	"portcullis.dev/portcullis/pkg/render"
)

// judgement is all that decides whether a gateway's pods may restart in a cluster.
type judgement struct {
	gw *v1beta1.IstioGateway
	in *v1alpha1.GatewayCluster
	// live is the Deployment, owned what of it is ours, says what it says of itself.
	live  *appsv1.Deployment
	owned *appsv1ac.DeploymentApplyConfiguration
	says  description
	// wanted is what the gateway asks for with the pinned profile, newest with the cluster's newest.
	wanted, newest plan
}

// judge plans what the gateway asks for, and holds each restart that neither the guard nor an approval let in.
func (c *cluster) judge(ctx context.Context, j judgement) (plan, error) {
	var err error
	if j.wanted, err = j.wanted.described(j.gw, j.says); err != nil {
		return plan{}, err
	}
	if j.newest, err = j.newest.described(j.gw, j.says); err != nil {
		return plan{}, err
	}
	restart, err := c.restart(ctx, j)
	if err != nil {
		return plan{}, err
	}
	upgrade, err := change.Upgrade(j.gw, j.in)
	if err != nil {
		return plan{}, fmt.Errorf("comparing with the newest mesh profile: %w", err)
	}
	reason, err := j.reason(restart, upgrade)
	if err != nil {
		return plan{}, err
	}
	out, err := j.decide(reason, restart, upgrade)
	out.at = j.live.ResourceVersion
	return out, err
}

// reason says why a restart is held, empty when none is. What looks most like an accident or an attack comes first: an
// approval of an upgrade must not let in what went past the guard.
func (j judgement) reason(restart, upgrade []change.Field) (v1beta1.HoldReason, error) {
	if len(restart) == 0 {
		return heldIf(len(upgrade) > 0, v1beta1.UpgradeHeld), nil
	}
	if j.gw.Generation < j.says.generation {
		return v1beta1.RestoredOlder, nil
	}
	fingerprint, err := change.Fingerprint(j.gw)
	if err != nil {
		return "", err
	}
	if j.gw.Annotations[gateway.AnnotationAdmitted] != fingerprint {
		return v1beta1.NotAdmitted, nil
	}
	if j.says.renderer != render.Version {
		return v1beta1.UpgradeHeld, nil
	}
	if j.says.hash == j.wanted.hash {
		return v1beta1.TemplateDrifted, nil
	}
	// The guard admitted what the gateway asks for. That a newer profile waits beside it is another matter.
	return heldIf(len(upgrade) > 0, v1beta1.UpgradeHeld), nil
}

// heldIf is a reason under a condition.
func heldIf(held bool, reason v1beta1.HoldReason) v1beta1.HoldReason {
	if held {
		return reason
	}
	return ""
}

// decide plans what a reason leaves of what the gateway asks for.
func (j judgement) decide(reason v1beta1.HoldReason, restart, upgrade []change.Field) (plan, error) {
	if reason == "" {
		return j.wanted, nil
	}
	released, held, kept := j.wanted, restart, true
	if reason == v1beta1.UpgradeHeld {
		released, held, kept = j.newest, upgrade, false
		if len(restart) > 0 && j.says.renderer != render.Version {
			// The old renderer is gone with its binary: what it made can be kept, but not made anew.
			held, kept = append(held, change.Renderer(j.says.renderer, j.in.Name)), true
		}
	}
	let, err := releasedIn(j.gw, j.in.Name, held)
	if err != nil || let {
		return released, err
	}
	out := j.wanted
	if kept {
		if out, err = j.wanted.keeping(j.owned, j.says); err != nil {
			return plan{}, err
		}
	}
	changes, err := change.ToApproved(held)
	out.held = &v1beta1.HeldRestart{Reason: reason, Changes: changes}
	return out, err
}

// releasedIn says whether somebody approved exactly this of a gateway in a cluster.
func releasedIn(gw *v1beta1.IstioGateway, id string, held []change.Field) (bool, error) {
	if gw.Status.Pending == nil || gw.Status.Pending.ReleasedBy == "" {
		return false, nil
	}
	return partOf(gw.Status.Pending, id, held)
}

// partOf says whether what is held in a cluster is what is pending there.
func partOf(pending *v1beta1.PendingRestart, id string, held []change.Field) (bool, error) {
	all, err := change.FromApproved(pending.Changes)
	if err != nil {
		return false, err
	}
	return change.Same(change.Part(all, id), held)
}

// restart foresees what applying what is wanted would change of the pod template that runs; nothing when no pod
// restarts. It asks the API server by a dry run, which knows of defaults and of what others wrote what we do not.
func (c *cluster) restart(ctx context.Context, j judgement) ([]change.Field, error) {
	desired, hash, err := convert(j.wanted.objects.Deployment)
	if err != nil {
		return nil, err
	}
	last, known := c.last(deploymentKey(j.gw))
	// A Deployment's generation counts the changes of its spec: nobody changed it since we applied the same.
	if known && last.hash == hash && last.generation == j.live.Generation && last.generation > 0 {
		return nil, nil
	}
	if recognised(j.live, desired) {
		return nil, nil
	}
	desired.SetResourceVersion(j.live.ResourceVersion)
	err = c.client.Apply(ctx, client.ApplyConfigurationFromUnstructured(desired), client.FieldOwner(FieldOwner), client.ForceOwnership, client.DryRunAll)
	if err != nil {
		return nil, fmt.Errorf("foreseeing Deployment %s/%s: %w", j.live.Namespace, j.live.Name, err)
	}
	foreseen := &appsv1.Deployment{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(desired.Object, foreseen); err != nil {
		return nil, fmt.Errorf("reading Deployment %s/%s as foreseen: %w", j.live.Namespace, j.live.Name, err)
	}
	if equality.Semantic.DeepEqual(j.live.Spec.Template, foreseen.Spec.Template) {
		return nil, nil
	}
	fields, err := change.Template(j.live.Spec.Template, foreseen.Spec.Template, j.in.Name)
	if err == nil && len(fields) == 0 {
		return nil, fmt.Errorf("comparing the pod template of Deployment %s/%s: what differs must have a field", j.live.Namespace, j.live.Name)
	}
	return fields, err
}
