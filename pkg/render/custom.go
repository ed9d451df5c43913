package render

import (
	"k8s.io/apimachinery/pkg/runtime/schema"

	"portcullis.dev/portcullis/pkg/gateway"
)

// Custom is an object of a kind that Kubernetes itself does not have, and for which there are no apply configurations
// among its own. It has the same JSON as they.
type Custom struct {
	APIVersion string         `json:"apiVersion"`
	Kind       string         `json:"kind"`
	Metadata   CustomMetadata `json:"metadata"`
	// Spec in JSON's types.
	Spec map[string]any `json:"spec"`
}

// CustomMetadata is the metadata of a Custom object.
type CustomMetadata struct {
	Name      string            `json:"name"`
	Namespace string            `json:"namespace"`
	Labels    map[string]string `json:"labels"`
}

// IsApplyConfiguration marks what may be applied.
func (*Custom) IsApplyConfiguration() {}

// GetKind is the kind.
func (c *Custom) GetKind() *string {
	return &c.Kind
}

// custom is an object of a gateway, named as the others.
func custom(p gateway.Placed, kind schema.GroupVersionKind, spec map[string]any) *Custom {
	return &Custom{
		APIVersion: kind.GroupVersion().String(),
		Kind:       kind.Kind,
		Metadata: CustomMetadata{
			Name:      gateway.ObjectName(p.Name),
			Namespace: p.Namespace,
			Labels:    objectLabels(p),
		},
		Spec: spec,
	}
}

// withStated sets a field of a spec where there is a value.
func withStated[T any](spec map[string]any, name string, value *T) {
	if value != nil {
		spec[name] = *value
	}
}
