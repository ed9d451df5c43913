package render

import (
	appsv1 "k8s.io/api/apps/v1"
	appsv1ac "k8s.io/client-go/applyconfigurations/apps/v1"
	metav1ac "k8s.io/client-go/applyconfigurations/meta/v1"

	"portcullis.dev/portcullis/pkg/gateway"
)

// LabelCanary marks a gateway's canary pod, so that its Deployment selects that alone.
const LabelCanary = "portcullis.dev/canary"

// canary is a second Deployment of one pod behind the gateway's Service, to try a newer mesh profile on a part of the
// traffic; nil when none is asked for. It is one pod whatever the gateway has, and nobody's to scale.
// https://www.alibabacloud.com/help/en/asm/sidecar/asm-gateway-grayscale-upgrade
func canary(p gateway.Placed) (*appsv1ac.DeploymentApplyConfiguration, error) {
	if p.Annotations[gateway.AnnotationCanary] != "true" {
		return nil, nil //nolint:nilnil // an object that is not wanted is nil, and no error
	}
	template, err := podTemplate(p)
	if err != nil {
		return nil, err
	}
	mark := map[string]string{LabelCanary: "true"}
	return appsv1ac.Deployment(gateway.CanaryName(p.Name), p.Namespace).
		WithLabels(objectLabels(p)).
		WithLabels(mark).
		WithSpec(appsv1ac.DeploymentSpec().
			WithReplicas(1).
			WithSelector(metav1ac.LabelSelector().WithMatchLabels(overlay(selector(p), mark))).
			WithStrategy(appsv1ac.DeploymentStrategy().WithType(appsv1.RollingUpdateDeploymentStrategyType)).
			WithTemplate(template.WithLabels(mark))), nil
}
