package reconcile

import (
	"encoding/json"
	"fmt"
	"strconv"

	appsv1 "k8s.io/api/apps/v1"
	appsv1ac "k8s.io/client-go/applyconfigurations/apps/v1"

	"portcullis.dev/portcullis/pkg/api/v1alpha1"
)

// The annotations by which a Deployment says of itself what it runs. They are the Deployment's own and not its pod
// template's: describing pods must not restart them.
const (
	// annotationTemplateHash is the hash of the pod template as it was rendered.
	annotationTemplateHash = "portcullis.dev/template-hash"
	// annotationGeneration is the gateway's generation that the template was rendered from first.
	annotationGeneration = "portcullis.dev/generation"
	// annotationRenderer is the version of the renderer.
	annotationRenderer = "portcullis.dev/renderer"
	// annotationMesh is the mesh profile that the template was rendered with, as JSON.
	annotationMesh = "portcullis.dev/mesh"
)

// description is what a Deployment says of its pod template. The zero value is that of one which says nothing: it is
// not ours, or of a version of Portcullis that did not describe.
type description struct {
	// hash of the template.
	hash string
	// generation of the gateway, and version of the renderer.
	generation, renderer int64
	// mesh is the mesh profile, nil when nothing is said of it.
	mesh *v1alpha1.MeshProfile
	// counting says who counts the pods.
	counting counting
}

// ours are the fields of a Deployment that we own on record.
func ours(live *appsv1.Deployment) (*appsv1ac.DeploymentApplyConfiguration, error) {
	out, err := appsv1ac.ExtractDeployment(live, FieldOwner)
	if err != nil {
		return nil, fmt.Errorf("reading what of Deployment %s/%s is ours: %w", live.Namespace, live.Name, err)
	}
	return out, nil
}

// descriptionIn reads a description from the fields that we own: what somebody else wrote over it says nothing.
func descriptionIn(owned *appsv1ac.DeploymentApplyConfiguration) (description, error) {
	if owned == nil || owned.ObjectMetaApplyConfiguration == nil || owned.Annotations[annotationTemplateHash] == "" {
		return description{}, nil
	}
	said := owned.Annotations
	out := description{hash: said[annotationTemplateHash], mesh: &v1alpha1.MeshProfile{}}
	var err error
	if out.generation, err = strconv.ParseInt(said[annotationGeneration], 10, 64); err != nil {
		return description{}, fmt.Errorf("annotation %s of Deployment %s must be a number: %w", annotationGeneration, *owned.Name, err)
	}
	if out.renderer, err = strconv.ParseInt(said[annotationRenderer], 10, 64); err != nil {
		return description{}, fmt.Errorf("annotation %s of Deployment %s must be a number: %w", annotationRenderer, *owned.Name, err)
	}
	if err := json.Unmarshal([]byte(said[annotationMesh]), out.mesh); err != nil {
		return description{}, fmt.Errorf("annotation %s of Deployment %s must be a mesh profile: %w", annotationMesh, *owned.Name, err)
	}
	if out.counting, err = countingIn(said); err != nil {
		return description{}, fmt.Errorf("reading Deployment %s: %w", *owned.Name, err)
	}
	return out, nil
}

// annotations are a description as a Deployment carries it; none when nothing is said.
func (d description) annotations() (map[string]string, error) {
	if d.hash == "" {
		return nil, nil
	}
	mesh, err := json.Marshal(d.mesh)
	if err != nil {
		return nil, fmt.Errorf("writing a mesh profile as JSON: %w", err)
	}
	return map[string]string{
		annotationTemplateHash: d.hash,
		annotationGeneration:   strconv.FormatInt(d.generation, 10),
		annotationRenderer:     strconv.FormatInt(d.renderer, 10),
		annotationMesh:         string(mesh),
	}, nil
}
