package render

import (
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	autoscalingv2ac "k8s.io/client-go/applyconfigurations/autoscaling/v2"

	"portcullis.dev/portcullis/pkg/gateway"
)

// horizontalPodAutoscaler scales a gateway's pods; nil when none is wanted. How fast it scales is left to
// Kubernetes: the gateway has no field for that.
func horizontalPodAutoscaler(p gateway.Placed) *autoscalingv2ac.HorizontalPodAutoscalerApplyConfiguration {
	if !autoscaled(p) {
		return nil
	}
	name := gateway.ObjectName(p.Name)
	return autoscalingv2ac.HorizontalPodAutoscaler(name, p.Namespace).
		WithLabels(objectLabels(p)).
		WithSpec(autoscalingv2ac.HorizontalPodAutoscalerSpec().
			WithScaleTargetRef(autoscalingv2ac.CrossVersionObjectReference().
				WithAPIVersion("apps/v1").
				WithKind("Deployment").
				WithName(name)).
			WithMinReplicas(minReplicas(p)).
			WithMaxReplicas(valueOf(p.Spec.MaxReplicas)).
			WithMetrics(metrics(p)...))
}

// autoscaled says whether an autoscaler is wanted: somebody set an upper bound and something to measure, and
// did not switch it off. A bound alone is not enough, because consoles write minReplicas and maxReplicas 1
// and an empty cpu into every gateway.
func autoscaled(p gateway.Placed) bool {
	if p.Spec.AutoscaleEnabled != nil && !*p.Spec.AutoscaleEnabled {
		return false
	}
	return p.Spec.MaxReplicas != nil && len(metrics(p)) > 0
}

// minReplicas is the fewest pods that the autoscaler keeps. The default is stated, so that writing it out
// changes nothing.
func minReplicas(p gateway.Placed) int32 {
	if p.Spec.MinReplicas == nil {
		return 1
	}
	return *p.Spec.MinReplicas
}

// metrics are what the autoscaler measures: CPU, then memory. The list has an order for the API server, and
// each metric asks for its own number of pods, of which the largest wins.
func metrics(p gateway.Placed) []*autoscalingv2ac.MetricSpecApplyConfiguration {
	var out []*autoscalingv2ac.MetricSpecApplyConfiguration
	if cpu := p.Spec.CPU; cpu != nil && cpu.TargetAverageUtilization != nil {
		out = append(out, utilization(corev1.ResourceCPU, *cpu.TargetAverageUtilization))
	}
	if memory := p.Spec.Memory; memory != nil && memory.TargetAverageUtilization != nil {
		out = append(out, utilization(corev1.ResourceMemory, *memory.TargetAverageUtilization))
	}
	return out
}

// utilization measures the use of a resource, in percent of what the pods request.
func utilization(name corev1.ResourceName, percent int32) *autoscalingv2ac.MetricSpecApplyConfiguration {
	return autoscalingv2ac.MetricSpec().
		WithType(autoscalingv2.ResourceMetricSourceType).
		WithResource(autoscalingv2ac.ResourceMetricSource().
			WithName(name).
			WithTarget(autoscalingv2ac.MetricTarget().
				WithType(autoscalingv2.UtilizationMetricType).
				WithAverageUtilization(percent)))
}
