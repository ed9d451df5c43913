package render

import (
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/gateway"
)

// The load balancer's own draining, for CLB and NLB alike.
const (
	annotationDrain        = "service.beta.kubernetes.io/alibaba-cloud-loadbalancer-connection-drain"
	annotationDrainTimeout = "service.beta.kubernetes.io/alibaba-cloud-loadbalancer-connection-drain-timeout"
)

// annotationIPVersion is the address family of a load balancer: ipv4, ipv6, or for an NLB DualStack.
const annotationIPVersion = "service.beta.kubernetes.io/alibaba-cloud-loadbalancer-ip-version"

// service is how a gateway is reached; nil while it has no port, because the API server takes no Service
// without one.
//
// It never carries a hash, a time or any other bookkeeping: the cloud controller takes each annotation that
// differs for a new wish, and reconciles the load balancer.
func service(p gateway.Placed) (*corev1ac.ServiceApplyConfiguration, error) {
	ports, err := servicePorts(p)
	if err != nil || len(ports) == 0 {
		return nil, err
	}
	annotations, err := serviceAnnotations(p)
	if err != nil {
		return nil, err
	}
	// Cluster IP, IP families and node ports are the cluster's to choose, and stay as it chose them: with IPv6 on the load
	// balancer it is told to choose both families, if it has them.
	spec := corev1ac.ServiceSpec().
		WithType(valueOf(p.Spec.ServiceType)).
		WithSelector(selector(p)).
		WithPorts(ports...)
	exposeOutside(p, spec)
	return corev1ac.Service(gateway.ObjectName(p.Name), p.Namespace).
		WithLabels(overlay(p.Spec.ServiceLabels, objectLabels(p))).
		WithAnnotations(annotations).
		WithSpec(spec), nil
}

// exposeOutside states what only holds for a Service that is reached from outside. The API server refuses
// these fields on a Service of another type, and an override may give it another type in one cluster.
func exposeOutside(p gateway.Placed, spec *corev1ac.ServiceSpecApplyConfiguration) {
	if valueOf(p.Spec.ServiceType) != corev1.ServiceTypeClusterIP && valueOf(p.Spec.GatewayType) != v1beta1.GatewayTypeEgress {
		spec.ExternalTrafficPolicy = clone(p.Spec.ExternalTrafficPolicy)
	}
	if !balanced(p) {
		return
	}
	// Left out when unset, never empty: the class of a live Service cannot change, and a webhook in the
	// cluster may have set one.
	spec.LoadBalancerClass = clone(p.Spec.LoadBalancerClass)
	spec.LoadBalancerIP = clone(p.Spec.LoadBalancerIP)
	if version := p.Spec.ServiceAnnotations[annotationIPVersion]; strings.EqualFold(version, "ipv6") || strings.EqualFold(version, "DualStack") {
		spec.WithIPFamilyPolicy(corev1.IPFamilyPolicyPreferDualStack)
	}
}

// serviceAnnotations are the load balancer's settings: the user's, and draining as long as the pods drain
// when a time is asked for. Without a load balancer there is nobody to read them.
func serviceAnnotations(p gateway.Placed) (map[string]string, error) {
	if !balanced(p) {
		return nil, nil
	}
	seconds, asked, err := drainTimeout(p)
	if err != nil {
		return nil, err
	}
	if !asked {
		return p.Spec.ServiceAnnotations, nil
	}
	drain := map[string]string{
		annotationDrain:        "on",
		annotationDrainTimeout: strconv.FormatInt(seconds, 10),
	}
	// The user's on top, unlike labels: these are settings, and a user who drains the load balancer in a way
	// of their own means it.
	return overlay(drain, p.Spec.ServiceAnnotations), nil
}

// balanced says whether a gateway is behind a load balancer: in this cluster, as an override may say otherwise
// in another.
func balanced(p gateway.Placed) bool {
	return valueOf(p.Spec.ServiceType) == corev1.ServiceTypeLoadBalancer
}
