package change

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/api/v1alpha1"
	"portcullis.dev/portcullis/pkg/gateway"
	"portcullis.dev/portcullis/pkg/render"
)

// comparison is two versions of a gateway side by side.
type comparison struct {
	// old and new are the versions, both with the pins of what is stored; new is nil for a gateway that goes.
	old, new *v1beta1.IstioGateway
	// registered are the registered clusters.
	registered []v1alpha1.GatewayCluster
	// before and after are what of the versions decides what runs, as JSON values.
	before, after map[string]any
	// changed lists the fields in which they differ, and fills with what each causes.
	changed []Field
	// index finds a field by its keys.
	index map[string]int
	// partials remembers the versions between old and new, by the fields that are changed in them.
	partials map[string]*v1beta1.IstioGateway
}

// compare lays two versions side by side.
func compare(old, new *v1beta1.IstioGateway, registered []v1alpha1.GatewayCluster) (*comparison, error) {
	c := &comparison{
		old: old,
		// Both with the pins of what is stored: an approval of this change lets no newer mesh profile in beside it.
		new:        gateway.WithPins(new, old),
		registered: registered,
		index:      map[string]int{},
		partials:   map[string]*v1beta1.IstioGateway{},
	}
	var err error
	if c.before, err = tree(old); err != nil {
		return nil, err
	}
	if c.after, err = tree(new); err != nil {
		return nil, err
	}
	c.changed = fields(c.before, c.after)
	for i, field := range c.changed {
		c.index[joined(field.keys)] = i
	}
	return c, nil
}

// joined is a path of keys as one key of a map.
func joined(keys []string) string {
	return strings.Join(keys, "\x00")
}

// clusters lists the IDs of the clusters where a version is.
func (c *comparison) clusters(gw *v1beta1.IstioGateway) []string {
	if gw == nil {
		return nil
	}
	if gateway.Managed(gw) {
		return c.managedClusters(gw)
	}
	return gateway.Clusters(gw, c.registered)
}

// managedClusters lists the IDs of the clusters where a version is if it is managed: the registered one. When none is
// registered any more it is where its status says, as it is not known to be gone from there.
func (c *comparison) managedClusters(gw *v1beta1.IstioGateway) []string {
	managed := &v1beta1.IstioGateway{}
	managed.Annotations = map[string]string{gateway.AnnotationManagedByASM: "true"}
	if ids := gateway.Clusters(managed, c.registered); len(ids) > 0 {
		return ids
	}
	var ids []string
	for _, entry := range gw.Status.Clusters {
		ids = append(ids, entry.ClusterID)
	}
	return set(ids)
}

// version is what one version of the gateway is in a cluster.
type version struct {
	// placed says whether it is there at all; objects is what it is, nothing where it is not.
	placed  bool
	objects render.Objects
	// err says why it cannot be rendered.
	err error
}

// render is what a version of the gateway is in a cluster.
func (c *comparison) render(gw *v1beta1.IstioGateway, id string) version {
	if !slices.Contains(c.clusters(gw), id) {
		return version{}
	}
	cluster := gateway.Find(c.registered, id)
	if cluster == nil {
		// Nothing is known of it.
		cluster = &v1alpha1.GatewayCluster{}
		cluster.Name = id
	}
	objects, err := render.Render(gateway.Place(gw, cluster))
	return version{placed: true, objects: objects, err: err}
}

// partial is the old version with some of the changed fields as they are after the change, and no others.
func (c *comparison) partial(fields []int) (*v1beta1.IstioGateway, error) {
	key := fmt.Sprint(fields)
	if known, ok := c.partials[key]; ok {
		return known, nil
	}
	values := c.before
	for _, i := range fields {
		values = with(values, c.changed[i].keys, c.changed[i].After)
	}
	gw, err := c.typed(values)
	if err != nil {
		return nil, err
	}
	c.partials[key] = gw
	return gw, nil
}

// typed is the gateway that has some values where the old version has its own.
func (c *comparison) typed(values map[string]any) (*v1beta1.IstioGateway, error) {
	// Shares all that is not replaced: who renders changes nothing that comes in.
	out := *c.old
	out.Spec, out.Annotations = v1beta1.IstioGatewaySpec{}, map[string]string{}
	raw, err := json.Marshal(values["spec"])
	if err != nil {
		return nil, fmt.Errorf("writing a partly changed spec as JSON: %w", err)
	}
	if err := json.Unmarshal(raw, &out.Spec); err != nil {
		return nil, fmt.Errorf("reading a partly changed spec: %w", err)
	}
	annotations, _ := at(values, "metadata", "annotations").(map[string]any)
	for key, value := range annotations {
		out.Annotations[key], _ = value.(string)
	}
	return &out, nil
}
