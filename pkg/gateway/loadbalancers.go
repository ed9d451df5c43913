package gateway

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"sigs.k8s.io/yaml"
)

// AnnotationLoadBalancers lists, as YAML or JSON, the load balancers that a gateway has beside the one of its spec: a
// private one next to a public one, or the next one while traffic moves to it. Each is a LoadBalancer.
const AnnotationLoadBalancers = "portcullis.dev/load-balancers"

// LoadBalancer is one more load balancer of a gateway, by a Service of its own that leads to the same pods. It takes nothing
// over from the spec: the address, or the load balancer itself, that is named there can be given only once.
type LoadBalancer struct {
	// Name tells it apart from the others; its Service is called istio-<gateway>-<name>.
	Name string `json:"name"`
	// Annotations of the Service, by which the cloud makes the load balancer.
	Annotations map[string]string `json:"annotations,omitempty"`
	// LoadBalancerClass and LoadBalancerIP are the Service's.
	LoadBalancerClass *string `json:"loadBalancerClass,omitempty"`
	LoadBalancerIP    *string `json:"loadBalancerIP,omitempty"`
	// ExternalTrafficPolicy is the Service's; Cluster by default.
	ExternalTrafficPolicy *corev1.ServiceExternalTrafficPolicy `json:"externalTrafficPolicy,omitempty"`
	// Ports are the numbers of those of the gateway's ports that are reached by it; all by default.
	Ports []int32 `json:"ports,omitempty"`
}

// LoadBalancers reads the further load balancers of a gateway, in the order of their names, so that the order in which they
// are written is no change. The error says what cannot be read and what it must be.
func LoadBalancers(annotations map[string]string, ports []corev1.ServicePort) ([]LoadBalancer, error) {
	text, asked := annotations[AnnotationLoadBalancers]
	if !asked {
		return nil, nil
	}
	var out []LoadBalancer
	if err := yaml.UnmarshalStrict([]byte(text), &out); err != nil {
		// The decoder tells several things on a line each, and some as a whole document.
		return nil, fmt.Errorf("must be a list of load balancers, as YAML or JSON: %s", strings.Join(strings.Fields(err.Error()), " "))
	}
	taken := map[string]bool{}
	for i := range out {
		if err := out[i].check(ports, taken); err != nil {
			return nil, fmt.Errorf("[%d].%w", i, err)
		}
		taken[out[i].Name] = true
	}
	slices.SortFunc(out, func(a, b LoadBalancer) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
}

// check says what of a load balancer no Service can be made of.
func (l *LoadBalancer) check(ports []corev1.ServicePort, taken map[string]bool) error {
	if len(validation.IsDNS1123Label(l.Name)) > 0 {
		return fmt.Errorf("name must be small letters, digits and hyphens, as it ends the name of a Service, is %q", l.Name)
	}
	if taken[l.Name] {
		return fmt.Errorf("name must be another one for each load balancer, is %q again", l.Name)
	}
	policies := []corev1.ServiceExternalTrafficPolicy{corev1.ServiceExternalTrafficPolicyCluster, corev1.ServiceExternalTrafficPolicyLocal}
	if l.ExternalTrafficPolicy != nil && !slices.Contains(policies, *l.ExternalTrafficPolicy) {
		return fmt.Errorf("externalTrafficPolicy must be Cluster or Local, is %q", *l.ExternalTrafficPolicy)
	}
	for i, number := range l.Ports {
		if !slices.ContainsFunc(ports, func(port corev1.ServicePort) bool { return port.Port == number }) {
			return fmt.Errorf("ports[%d] must be the number of one of spec.ports, is %d", i, number)
		}
	}
	return nil
}

// Reaches says whether a port of the gateway is reached by the load balancer.
func (l *LoadBalancer) Reaches(port int32) bool {
	return len(l.Ports) == 0 || slices.Contains(l.Ports, port)
}

// LoadBalancerName is the name of the Service of a further load balancer of a gateway.
func LoadBalancerName(gateway, name string) string {
	return ObjectName(gateway) + "-" + name
}
