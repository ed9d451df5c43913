package env

import (
	"bytes"
	"context"
	"fmt"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/openapi"
)

// waitForSchemas returns when the API server publishes the schemas of our kinds. It serves the kinds a
// moment earlier, but until then kubectl does not find them.
func (c *ControlPlane) waitForSchemas(ctx context.Context) error {
	client, err := discovery.NewDiscoveryClientForConfig(c.Config)
	if err != nil {
		return fmt.Errorf("creating a discovery client: %w", err)
	}
	err = wait.PollUntilContextTimeout(ctx, pollInterval, startTimeout, true, func(context.Context) (bool, error) {
		paths, err := client.OpenAPIV3().Paths()
		if err != nil {
			return false, err
		}
		for _, crd := range c.environment.CRDs {
			if done, err := published(paths, crd); err != nil || !done {
				return false, err
			}
		}
		return true, nil
	})
	if err != nil {
		return fmt.Errorf("waiting for the schemas of our kinds: %w", err)
	}
	return nil
}

// published tells whether the API server publishes the schema of every version of a kind.
func published(paths map[string]openapi.GroupVersion, crd *apiextensionsv1.CustomResourceDefinition) (bool, error) {
	for _, version := range crd.Spec.Versions {
		group, found := paths["apis/"+crd.Spec.Group+"/"+version.Name]
		if !found {
			return false, nil
		}
		schema, err := group.Schema(runtime.ContentTypeJSON)
		if err != nil || !bytes.Contains(schema, []byte(`"kind":"`+crd.Spec.Names.Kind+`"`)) {
			return false, err
		}
	}
	return true, nil
}
