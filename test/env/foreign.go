package env

import (
	"context"
	"fmt"
	"strings"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"
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

// RemoveKinds makes the API server forget kinds of other projects, with all their objects, and returns when it has: a kind
// that is installed again while it goes would go all the same.
func (c *ControlPlane) RemoveKinds(kinds ...schema.GroupVersionKind) error {
	var definitions []*apiextensionsv1.CustomResourceDefinition
	for _, kind := range kinds {
		definitions = append(definitions, definition(kind))
	}
	if err := envtest.UninstallCRDs(c.Config, envtest.CRDInstallOptions{CRDs: definitions}); err != nil {
		return fmt.Errorf("removing %v: %w", kinds, err)
	}
	scheme := runtime.NewScheme()
	if err := apiextensionsv1.AddToScheme(scheme); err != nil {
		return fmt.Errorf("registering types: %w", err)
	}
	reach, err := client.New(c.Config, client.Options{Scheme: scheme})
	if err != nil {
		return fmt.Errorf("creating a client: %w", err)
	}
	for _, definition := range definitions {
		err := wait.PollUntilContextTimeout(context.Background(), pollInterval, startTimeout, true, func(ctx context.Context) (bool, error) {
			err := reach.Get(ctx, client.ObjectKeyFromObject(definition), definition)
			return apierrors.IsNotFound(err), client.IgnoreNotFound(err)
		})
		if err != nil {
			return fmt.Errorf("waiting until %s is gone: %w", definition.Name, err)
		}
	}
	return nil
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
