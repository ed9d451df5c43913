package reconcile

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	appsv1ac "k8s.io/client-go/applyconfigurations/apps/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/api/v1alpha1"
	"portcullis.dev/portcullis/pkg/change"
	"portcullis.dev/portcullis/pkg/gateway"
	"portcullis.dev/portcullis/pkg/render"
)

// plan is what shall be applied of a gateway in a cluster.
type plan struct {
	objects render.Objects
	// placed is what they were rendered from, hash names their pod template.
	placed gateway.Placed
	hash   string
	// renderer made the pod template that runs when the plan is done.
	renderer int64
	// fingerprint names what of the gateway decides what runs.
	fingerprint string
	// counting says who counts the pods.
	counting counting
	// held is the restart that the plan leaves out, nil when it leaves out none.
	held *v1beta1.HeldRestart
	// at is the resource version of the Deployment that was judged: what came after it may restart what nobody
	// foresaw. Empty when there is none.
	at string
}

// planned is a plan that does all that a gateway asks for.
func planned(placed gateway.Placed) (plan, error) {
	objects, err := render.Render(placed)
	if err != nil {
		return plan{}, fmt.Errorf("rendering: %w", err)
	}
	hash, err := objects.TemplateHash()
	return plan{objects: objects, placed: placed, hash: hash, renderer: render.Version}, err
}

// plan decides what shall be applied of a gateway in a cluster. A steady state asks the API server nothing.
func (c *cluster) plan(ctx context.Context, gw *v1beta1.IstioGateway, in *v1alpha1.GatewayCluster) (plan, error) {
	entry, _ := entryOf(gw, in.Name)
	about, err := aboutOf(gw, in, entry.Mesh)
	if err != nil {
		return plan{}, err
	}
	key := deploymentKey(gw)
	if known, settled, err := c.settled(ctx, key, about); err != nil || settled {
		return known, err
	}
	live, err := c.judgedBeside(ctx, key, gw)
	if err != nil {
		return plan{}, err
	}
	made, err := c.planBeside(ctx, gw, in, live)
	if err != nil {
		return plan{}, err
	}
	if made.fingerprint, err = change.Fingerprint(gw); err != nil {
		return plan{}, err
	}
	c.keep(key, judged{about: about, plan: made})
	return made, nil
}

// planBeside decides what shall be applied beside a Deployment as it is, nil when there is none.
func (c *cluster) planBeside(ctx context.Context, gw *v1beta1.IstioGateway, in *v1alpha1.GatewayCluster, live *appsv1.Deployment) (plan, error) {
	var owned *appsv1ac.DeploymentApplyConfiguration
	var err error
	if live != nil {
		if owned, err = ours(live); err != nil {
			return plan{}, err
		}
	}
	says, err := descriptionIn(owned)
	if err != nil {
		return plan{}, err
	}
	gw = pinnedTo(gw, in.Name, says.mesh)
	wanted, err := planned(gateway.Place(gw, in))
	if err != nil {
		return plan{}, err
	}
	newest, err := planned(gateway.PlaceNewest(gw, in))
	if err != nil {
		return plan{}, err
	}
	wanted, newest = wanted.counted(live, says.counting), newest.counted(live, says.counting)
	if wanted.hash == newest.hash {
		// Pods cannot tell the two profiles apart, so there is nothing to approve.
		wanted = newest
	}
	if live, err = takeable(live, gw.Name, wanted); err != nil {
		return plan{}, err
	}
	// A canary is there to try the newest.
	wanted.objects.Canary = newest.objects.Canary
	if live == nil {
		return wanted.described(gw, says)
	}
	return c.judge(ctx, judgement{gw: gw, in: in, live: live, owned: owned, says: says, wanted: wanted, newest: newest})
}

// described is the plan with what the Deployment shall say of itself. The generation is the first one that has this
// template: edits that leave the pods alone shall leave the Deployment alone too.
func (p plan) described(gw *v1beta1.IstioGateway, says description) (plan, error) {
	now := description{hash: p.hash, generation: gw.Generation, renderer: render.Version, mesh: &p.placed.Mesh}
	if says.hash == now.hash && says.renderer == now.renderer && says.generation < now.generation {
		now.generation = says.generation
	}
	return p.with(now)
}

// with is the plan with a description.
func (p plan) with(says description) (plan, error) {
	annotations, err := says.annotations()
	if err != nil {
		return plan{}, err
	}
	if annotations, err = p.counting.annotate(annotations); err != nil {
		return plan{}, err
	}
	deployment := *p.objects.Deployment
	metadata := *deployment.ObjectMetaApplyConfiguration
	deployment.ObjectMetaApplyConfiguration = &metadata
	metadata.Annotations = annotations
	p.objects.Deployment, p.renderer = &deployment, says.renderer
	return p, nil
}

// keeping is the plan that does everything but touch the pod template: it states of the template what is ours there
// already, and so changes nothing of it.
func (p plan) keeping(owned *appsv1ac.DeploymentApplyConfiguration, says description) (plan, error) {
	out, err := p.with(says)
	if err != nil {
		return plan{}, err
	}
	spec := *out.objects.Deployment.Spec
	out.objects.Deployment.Spec = &spec
	spec.Template = nil
	if owned.Spec != nil {
		spec.Template = owned.Spec.Template
	}
	return out, nil
}

// pinnedTo is a gateway that pins a profile in a cluster: the one that what runs says it was rendered with. The status
// says so too, but later, and after a crash not at all.
func pinnedTo(gw *v1beta1.IstioGateway, id string, mesh *v1alpha1.MeshProfile) *v1beta1.IstioGateway {
	if mesh == nil {
		return gw
	}
	gw = gw.DeepCopy()
	for i := range gw.Status.Clusters {
		if gw.Status.Clusters[i].ClusterID == id {
			gw.Status.Clusters[i].Mesh = mesh
		}
	}
	return gw
}

// judged is a plan, and what it was made from.
type judged struct {
	about [sha256.Size]byte
	plan  plan
}

// aboutOf names all that a plan is made from, beside the Deployment; mesh is what the gateway pins in the cluster.
func aboutOf(gw *v1beta1.IstioGateway, in *v1alpha1.GatewayCluster, mesh *v1alpha1.MeshProfile) ([sha256.Size]byte, error) {
	raw, err := json.Marshal([]any{gw.UID, gw.Generation, gw.Spec, gw.Annotations, gw.Status.Pending, mesh, in.Name, in.Spec, in.Status.Facts})
	if err != nil {
		return [sha256.Size]byte{}, fmt.Errorf("writing IstioGateway %s/%s as JSON: %w", gw.Namespace, gw.Name, err)
	}
	return sha256.Sum256(raw), nil
}

// settled is the plan that was made before, if nothing that it was made from has changed since.
func (c *cluster) settled(ctx context.Context, key objectKey, about [sha256.Size]byte) (plan, bool, error) {
	c.mu.Lock()
	known, ok := c.judged[key]
	last := c.written[key]
	c.mu.Unlock()
	if !ok || known.about != about {
		return plan{}, false, nil
	}
	cached := &appsv1.Deployment{}
	err := c.client.Get(ctx, key.ObjectKey, cached)
	if apierrors.IsNotFound(err) {
		return plan{}, false, nil
	}
	if err != nil {
		return plan{}, false, fmt.Errorf("reading %s %s: %w", key.Kind, key.ObjectKey, err)
	}
	unseen := newer(cached.ResourceVersion, known.plan.at) && newer(cached.ResourceVersion, last.resourceVersion)
	return known.plan, !unseen, nil
}

// keepMade remembers a plan by which a Deployment was made. The status pins its profile from now on, which is the profile
// that it was made with: nothing needs to be planned again for that.
func (c *cluster) keepMade(gw *v1beta1.IstioGateway, in *v1alpha1.GatewayCluster, made plan) error {
	if made.at != "" {
		return nil
	}
	about, err := aboutOf(gw, in, &made.placed.Mesh)
	if err == nil {
		c.keep(deploymentKey(gw), judged{about: about, plan: made})
	}
	return err
}

// keep remembers a plan.
func (c *cluster) keep(key objectKey, value judged) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.judged[key] = value
}

// judgedBeside is the Deployment that is there, nil when there is none. What nobody has heard of is not asked for: if it is
// there after all, it is not created.
func (c *cluster) judgedBeside(ctx context.Context, key objectKey, gw *v1beta1.IstioGateway) (*appsv1.Deployment, error) {
	if gw.Annotations[gateway.AnnotationAdopt] != gateway.AdoptTake {
		if absent, err := c.unheardOf(ctx, key); err != nil || absent {
			return nil, err
		}
	}
	return c.deployment(ctx, c.live, key, gw)
}

// deployment reads a gateway's Deployment, nil when there is none. One that is somebody else's is none, and applying says
// so, unless it is to be taken: its pods restart like ours, when somebody approved that.
func (c *cluster) deployment(ctx context.Context, reader client.Reader, key objectKey, gw *v1beta1.IstioGateway) (*appsv1.Deployment, error) {
	out := &appsv1.Deployment{}
	err := reader.Get(ctx, key.ObjectKey, out)
	take := gw.Annotations[gateway.AnnotationAdopt] == gateway.AdoptTake
	if apierrors.IsNotFound(err) || (err == nil && !take && out.Labels[render.LabelGateway] != gw.Name) {
		return nil, nil //nolint:nilnil // absence is an answer here, and the caller asks for it
	}
	if err != nil {
		return nil, fmt.Errorf("reading %s %s: %w", key.Kind, key.ObjectKey, err)
	}
	return out, nil
}

// takeable is a Deployment that a gateway has or may take; nil for one that it can never take, which applying says.
func takeable(live *appsv1.Deployment, gatewayName string, wanted plan) (*appsv1.Deployment, error) {
	if live == nil || live.Labels[render.LabelGateway] == gatewayName {
		return live, nil
	}
	desired, _, err := convert(wanted.objects.Deployment)
	if err != nil || (&foreign{object: live}).fits(desired) != nil {
		return nil, err
	}
	return live, nil
}

// deploymentKind is the kind of a Deployment.
var deploymentKind = appsv1.SchemeGroupVersion.WithKind("Deployment")

// deploymentKey names a gateway's Deployment.
func deploymentKey(gw *v1beta1.IstioGateway) objectKey {
	return objectKey{deploymentKind, client.ObjectKey{Namespace: gw.Namespace, Name: gateway.ObjectName(gw.Name)}}
}
