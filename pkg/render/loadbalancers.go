package render

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/gateway"
)

// LabelLoadBalancer names the further load balancer that a Service is of.
const LabelLoadBalancer = "portcullis.dev/load-balancer"

// loadBalancers are the Services of the load balancers that a gateway has beside its own; none where that is no load
// balancer's, as an override may say for one cluster, and none of an egress gateway, which nothing enters from outside.
func loadBalancers(p gateway.Placed) ([]*corev1ac.ServiceApplyConfiguration, error) {
	asked, err := gateway.LoadBalancers(p.Annotations, p.Spec.Ports)
	if err != nil {
		return nil, fmt.Errorf("metadata.annotations[%s] %w", gateway.AnnotationLoadBalancers, err)
	}
	if !balanced(p) || valueOf(p.Spec.GatewayType) == v1beta1.GatewayTypeEgress {
		return nil, nil
	}
	var out []*corev1ac.ServiceApplyConfiguration
	for _, balancer := range asked {
		service, err := service(behind(p, balancer))
		if err != nil {
			return nil, err
		}
		if service == nil {
			continue
		}
		name := gateway.LoadBalancerName(p.Name, balancer.Name)
		out = append(out, service.WithName(name).WithLabels(map[string]string{LabelLoadBalancer: balancer.Name}))
	}
	return out, nil
}

// behind is a gateway as one of its further load balancers leads to it: what the spec says of its own load balancer is
// replaced, and the ports are those that are reached.
func behind(p gateway.Placed, balancer gateway.LoadBalancer) gateway.Placed {
	policy := orElse(balancer.ExternalTrafficPolicy, corev1.ServiceExternalTrafficPolicyCluster)
	p.Spec.ExternalTrafficPolicy = &policy
	p.Spec.LoadBalancerClass, p.Spec.LoadBalancerIP = balancer.LoadBalancerClass, balancer.LoadBalancerIP
	// Labels by which people find the gateway's Service must find one.
	p.Spec.ServiceAnnotations, p.Spec.ServiceLabels = balancer.Annotations, nil
	var ports []corev1.ServicePort
	for _, port := range p.Spec.Ports {
		if balancer.Reaches(port.Port) {
			// A node port is one Service's.
			port.NodePort = 0
			ports = append(ports, port)
		}
	}
	p.Spec.Ports = ports
	return p
}
