package render

import (
	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	appsv1ac "k8s.io/client-go/applyconfigurations/apps/v1"
	metav1ac "k8s.io/client-go/applyconfigurations/meta/v1"

	"portcullis.dev/portcullis/pkg/gateway"
)

// deployment runs a gateway's pods.
//
// It has no hash of its template for an annotation: the template is there to be compared, and who wants to
// compare without reading the cluster asks for Objects.TemplateHash.
func deployment(p gateway.Placed) (*appsv1ac.DeploymentApplyConfiguration, error) {
	template, err := podTemplate(p)
	if err != nil {
		return nil, err
	}
	// No minReadySeconds: pods count when their probe says so, and a gateway has no field to wait longer.
	spec := appsv1ac.DeploymentSpec().
		WithSelector(metav1ac.LabelSelector().WithMatchLabels(selector(p))).
		WithStrategy(appsv1ac.DeploymentStrategy().
			WithType(appsv1.RollingUpdateDeploymentStrategyType).
			WithRollingUpdate(appsv1ac.RollingUpdateDeployment().
				WithMaxSurge(intstr.Parse(valueOf(p.Spec.RollingMaxSurge))).
				WithMaxUnavailable(intstr.Parse(valueOf(p.Spec.RollingMaxUnavailable))))).
		WithTemplate(template)
	// Left out otherwise, not set to what it is: a value that is stated is owned, and would be put back.
	if ownsReplicas(p) {
		spec.WithReplicas(valueOf(p.Spec.ReplicaCount))
	}
	return appsv1ac.Deployment(gateway.ObjectName(p.Name), p.Namespace).
		WithLabels(objectLabels(p)).
		WithSpec(spec), nil
}

// ownsReplicas says whether the number of pods is ours to state. Next to an autoscaler it is not, whether
// the autoscaler is ours or one of the user's own: the two would undo each other for ever.
func ownsReplicas(p gateway.Placed) bool {
	return !autoscaled(p) && p.Annotations[gateway.AnnotationReplicasManagedByASM] != "false"
}
