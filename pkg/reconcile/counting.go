package reconcile

import (
	"encoding/json"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
)

// annotationReplicas is how a Deployment says who counts its pods, as JSON; without it the gateway does.
const annotationReplicas = "portcullis.dev/replicas"

// counting says who counts a Deployment's pods, where it is not the gateway's replicaCount.
type counting struct {
	// AtFirst is how many pods there are at first where somebody else counts them: an autoscaler, or whoever the number
	// is left to. Nil when nobody else does.
	AtFirst *int32 `json:"atFirst,omitempty"`
	// Kept is the number that an autoscaler left behind. It stays while the gateway asks for the same replicaCount, Asked,
	// as it did then: who switches an autoscaler off does not ask for fewer pods.
	Kept  int32 `json:"kept,omitempty"`
	Asked int32 `json:"asked,omitempty"`
}

// counted is the plan with the number of pods that a Deployment shall have beside the live one, nil when there is none,
// that said who counted them so far.
func (p plan) counted(live *appsv1.Deployment, said counting) plan {
	deployment := *p.objects.Deployment
	spec := *deployment.Spec
	deployment.Spec, p.objects.Deployment = &spec, &deployment
	asked := spec.Replicas
	if asked == nil {
		p.counting = counting{AtFirst: p.atFirst()}
		return p
	}
	p.counting = counting{}
	if live == nil || live.Spec.Replicas == nil {
		return p
	}
	kept := said.Kept
	if said.AtFirst != nil {
		kept = *live.Spec.Replicas
	}
	if kept > *asked && (said.AtFirst != nil || said.Asked == *asked) {
		spec.Replicas, p.counting = &kept, counting{Kept: kept, Asked: *asked}
	}
	return p
}

// atFirst is how many pods a new Deployment has where somebody else counts them later.
func (p plan) atFirst() *int32 {
	if autoscaler := p.objects.HorizontalPodAutoscaler; autoscaler != nil {
		return autoscaler.Spec.MinReplicas
	}
	return p.placed.Spec.ReplicaCount
}

// countingIn reads who counts the pods, from the annotations of ours.
func countingIn(said map[string]string) (counting, error) {
	var out counting
	text := said[annotationReplicas]
	if text == "" {
		return out, nil
	}
	if err := json.Unmarshal([]byte(text), &out); err != nil {
		return counting{}, fmt.Errorf("annotation %s must say who counts the pods: %w", annotationReplicas, err)
	}
	return out, nil
}

// annotate says in annotations who counts the pods; nothing where the gateway does.
func (c counting) annotate(annotations map[string]string) (map[string]string, error) {
	if c == (counting{}) {
		return annotations, nil
	}
	text, err := json.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("writing who counts the pods as JSON: %w", err)
	}
	if annotations == nil {
		annotations = map[string]string{}
	}
	annotations[annotationReplicas] = string(text)
	return annotations, nil
}
