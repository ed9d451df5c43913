package render

import (
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"

	"portcullis.dev/portcullis/pkg/gateway"
)

// serviceAccount is the identity of a gateway's pods, in the cluster and in the mesh. Each gateway has one of
// its own: authorization policies tell gateways apart by it.
func serviceAccount(p gateway.Placed) *corev1ac.ServiceAccountApplyConfiguration {
	return corev1ac.ServiceAccount(gateway.ObjectName(p.Name), p.Namespace).
		WithLabels(objectLabels(p))
}
