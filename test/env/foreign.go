package env

import (
	"fmt"
	"strings"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
)

// ForeignKinds are the kinds of other projects that gateways are made of, beside those of Kubernetes.
func ForeignKinds() []schema.GroupVersionKind {
	return []schema.GroupVersionKind{
		{Group: "networking.istio.io", Version: "v1alpha3", Kind: "EnvoyFilter"},
		{Group: "networking.istio.io", Version: "v1", Kind: "Gateway"},
		{Group: "cert-manager.io", Version: "v1", Kind: "Certificate"},
	}
}

// InstallKinds makes the API server serve kinds of other projects, and returns when it does. Their schemas take
// everything: what the projects themselves would refuse is theirs to say.
func (c *ControlPlane) InstallKinds(kinds ...schema.GroupVersionKind) error {
	var definitions []*apiextensionsv1.CustomResourceDefinition
	for _, kind := range kinds {
		definitions = append(definitions, definition(kind))
	}
	if _, err := envtest.InstallCRDs(c.Config, envtest.CRDInstallOptions{CRDs: definitions}); err != nil {
		return fmt.Errorf("installing %v: %w", kinds, err)
	}
	return nil
}

// RemoveKinds makes the API server forget kinds of other projects, with all their objects.
func (c *ControlPlane) RemoveKinds(kinds ...schema.GroupVersionKind) error {
	var definitions []*apiextensionsv1.CustomResourceDefinition
	for _, kind := range kinds {
		definitions = append(definitions, definition(kind))
	}
	return envtest.UninstallCRDs(c.Config, envtest.CRDInstallOptions{CRDs: definitions})
}

// definition defines a namespaced kind.
func definition(kind schema.GroupVersionKind) *apiextensionsv1.CustomResourceDefinition {
	singular := strings.ToLower(kind.Kind)
	return &apiextensionsv1.CustomResourceDefinition{
		TypeMeta:   metav1.TypeMeta{APIVersion: apiextensionsv1.SchemeGroupVersion.String(), Kind: "CustomResourceDefinition"},
		ObjectMeta: metav1.ObjectMeta{Name: singular + "s." + kind.Group},
		Spec: apiextensionsv1.CustomResourceDefinitionSpec{
			Group: kind.Group,
			Names: apiextensionsv1.CustomResourceDefinitionNames{Plural: singular + "s", Singular: singular, Kind: kind.Kind, ListKind: kind.Kind + "List"},
			Scope: apiextensionsv1.NamespaceScoped,
			Versions: []apiextensionsv1.CustomResourceDefinitionVersion{{
				Name: kind.Version, Served: true, Storage: true,
				Schema: &apiextensionsv1.CustomResourceValidation{OpenAPIV3Schema: &apiextensionsv1.JSONSchemaProps{
					Type: "object", XPreserveUnknownFields: new(true),
				}},
			}},
		},
	}
}
