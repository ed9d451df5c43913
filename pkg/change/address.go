package change

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"

	"portcullis.dev/portcullis/pkg/render"
)

// What is known here of load balancers is read from Alibaba Cloud's controller, which makes them.
// https://github.com/kubernetes/cloud-provider-alibaba-cloud, pkg/controller: helper/service_utils.go (who claims a
// Service), service/clbv1/loadbalancer.go and service/nlbv2/loadbalancer.go (what a live load balancer can change)

// nlbClass is the loadBalancerClass of a network load balancer; without a class it is a classic one.
const nlbClass = "alibabacloud.com/nlb"

// losesAddress: one of the Services stops being a LoadBalancer, another controller claims it, or it asks for what its
// controller can only give with a new load balancer, or by giving an address of the live one away.
func losesAddress(before, after render.Objects) (bool, error) {
	next := balancers(after)
	for name, service := range balancers(before) {
		if stays := next[name]; stays == nil || claim(service) != claim(stays) || !keeps(service, stays) {
			return true, nil
		}
	}
	return false, nil
}

// balancers are the Services by which a gateway has load balancers, by their names.
func balancers(objects render.Objects) map[string]*corev1ac.ServiceApplyConfiguration {
	out := map[string]*corev1ac.ServiceApplyConfiguration{}
	for _, service := range slices.Concat(objects.LoadBalancers, []*corev1ac.ServiceApplyConfiguration{objects.Service}) {
		if service != nil && service.Spec != nil && service.Spec.Type != nil && *service.Spec.Type == corev1.ServiceTypeLoadBalancer {
			out[*service.Name] = service
		}
	}
	return out
}

// claimed is what decides which controller makes a Service's load balancer. One that no longer claims it releases it.
type claimed struct {
	// hasClass tells no class from an empty one: the controllers do.
	hasClass, tunnel                  bool
	class, annotatedClass, annotation string
}

// claim says which controller makes a Service's load balancer. The keys are exact: they have no older keyword.
func claim(service *corev1ac.ServiceApplyConfiguration) claimed {
	out := claimed{
		annotatedClass: service.Annotations["service.beta.kubernetes.io/class"],
		annotation:     service.Annotations[keyword+"type"],
	}
	// Its presence counts, not its value.
	_, out.tunnel = service.Annotations[keyword+"tunnel-type"]
	if class := service.Spec.LoadBalancerClass; class != nil {
		out.hasClass, out.class = true, *class
	}
	return out
}

// network says whether the load balancer is a network one; known is false for one that neither of Alibaba Cloud's
// controllers makes.
func (c claimed) network() (network, known bool) {
	network = c.class == nlbClass || !c.hasClass && c.annotation == "nlb"
	return network, network || !c.hasClass && c.annotation == "" && !c.tunnel && c.annotatedClass == ""
}

// keeps says whether a load balancer can become what its Service asks for now, with every address that it has.
func keeps(before, after *corev1ac.ServiceApplyConfiguration) bool {
	// Not read on Alibaba Cloud; whoever reads it gives the address that it names.
	if left, right := before.Spec.LoadBalancerIP, after.Spec.LoadBalancerIP; value(left) != value(right) {
		return false
	}
	network, known := claim(before).network()
	return !slices.ContainsFunc(attributes(), func(a attribute) bool {
		applies := !known || (network && a.network) || (!network && a.classic)
		return applies && !a.same(a.of(before), a.of(after))
	})
}

// attribute is one that a live load balancer cannot change, or not without giving an address away.
type attribute struct {
	// name is the end of the annotation's key.
	name string
	// standard is what a load balancer has when nothing is said; empty when nobody can know.
	standard string
	// classic and network say which load balancers have it.
	classic, network bool
	// same says whether all addresses stay when it changes.
	same func(before, after string) bool
}

// attributes lists them. Taking one away counts like changing it: the wish is another one then, though the controller
// leaves the load balancer as it is until it makes a new one.
func attributes() []attribute {
	equal := func(before, after string) bool { return before == after }
	return []attribute{
		// The load balancer itself.
		{name: "id", classic: true, network: true, same: equal},
		{name: "ip-version", standard: "ipv4", classic: true, network: true, same: equal},
		{name: "resource-group-id", classic: true, network: true, same: equal},
		// A network load balancer changes its address type alive: it keeps its name and changes its addresses.
		{name: "address-type", standard: "internet", classic: true, network: true, same: equal},
		{name: "master-zoneid", classic: true, same: equal},
		{name: "slave-zoneid", classic: true, same: equal},
		{name: "network-type", classic: true, same: equal},
		{name: "ip", classic: true, same: equal},
		{name: "ipv6-address-type", network: true, same: equal},
		{name: "zone-maps", network: true, same: keepsZones},
	}
}

// keepsZones says whether every zone of a network load balancer stays, with its address. A zone that comes takes none
// away.
func keepsZones(before, after string) bool {
	zones := strings.Split(after, ",")
	return before == "" || !slices.ContainsFunc(strings.Split(before, ","), func(zone string) bool { return !slices.Contains(zones, zone) })
}

// The beginnings of the keys of a load balancer's attributes, the present one and the one before 2019.
const (
	keyword      = "service.beta.kubernetes.io/alibaba-cloud-loadbalancer-"
	olderKeyword = "service.beta.kubernetes.io/alicloud-loadbalancer-"
)

// of is the attribute of a Service's load balancer. Of both keywords the present one wins, even when it is empty.
func (a attribute) of(service *corev1ac.ServiceApplyConfiguration) string {
	stated, ok := service.Annotations[keyword+a.name]
	if !ok {
		stated = service.Annotations[olderKeyword+a.name]
	}
	if stated == "" {
		return a.standard
	}
	return stated
}

// value is what a pointer points to, empty for none.
func value(text *string) string {
	if text == nil {
		return ""
	}
	return *text
}
