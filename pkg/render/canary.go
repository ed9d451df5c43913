package render

import (
	appsv1 "k8s.io/api/apps/v1"
	appsv1ac "k8s.io/client-go/applyconfigurations/apps/v1"
	metav1ac "k8s.io/client-go/applyconfigurations/meta/v1"

	"portcullis.dev/portcullis/pkg/gateway"
)

// LabelCanary marks a gateway's canary pod, so that its Deployment selects that alone.
const LabelCanary = "portcullis.dev/canary"

// hasCanary says whether a canary is asked for.
func hasCanary(p gateway.Placed) bool {
	return p.Annotations[gateway.AnnotationCanary] == "true"
}

// canary is a second Deployment of one pod behind the gateway's Service, to try a newer mesh profile on a part of the
// traffic; nil when none is asked for. It is one pod whatever the gateway has, and nobody's to scale.
//
// Its pod has the labels of the others, by which Services, Istio Gateways and authorization policies find them, and so the
// other Deployment's selector matches it too, which can never change. Deployments tell their pods by their owner; but an
// autoscaler counts what the selector matches, and with it this pod.
// https://www.alibabacloud.com/help/en/asm/sidecar/asm-gateway-grayscale-upgrade
func canary(p gateway.Placed) (*appsv1ac.DeploymentApplyConfiguration, error) {
	if !hasCanary(p) {
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
