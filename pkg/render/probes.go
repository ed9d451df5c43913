package render

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/gateway"
)

// readinessProbe decides whether a pod gets traffic. Its three numbers are the user's; where it asks is not.
//
// There is no liveness probe, on purpose: a proxy that lost its control plane still serves, and restarting it
// would end that.
func readinessProbe(p gateway.Placed) *corev1ac.ProbeApplyConfiguration {
	numbers := v1beta1.ReadinessProbeConfiguration{}
	if p.Spec.ReadinessProbe != nil {
		numbers = *p.Spec.ReadinessProbe
	}
	// Stated even where they are what Kubernetes fills in: a default that is written out must be no change.
	return probe().
		WithPeriodSeconds(orElse(numbers.PeriodSeconds, 15)).
		WithFailureThreshold(orElse(numbers.FailureThreshold, 4)).
		WithSuccessThreshold(orElse(numbers.SuccessThreshold, 1))
}

// startupProbe lets a pod take traffic as soon as it can, however long the readiness period is.
func startupProbe() *corev1ac.ProbeApplyConfiguration {
	// Half a minute at one probe a second; after that the kubelet starts the container again.
	return probe().
		WithPeriodSeconds(1).
		WithFailureThreshold(30)
}

// probe asks the agent whether the proxy has its configuration. One second is long for an answer from the
// same pod; a longer wait would only hide that the proxy is stuck.
func probe() *corev1ac.ProbeApplyConfiguration {
	return corev1ac.Probe().
		WithHTTPGet(corev1ac.HTTPGetAction().
			WithPath("/healthz/ready").
			WithPort(intstr.FromInt32(portStatus)).
			WithScheme(corev1.URISchemeHTTP)).
		WithTimeoutSeconds(1)
}
