package review

import (
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/api/v1alpha1"
	"portcullis.dev/portcullis/pkg/gateway"
	"portcullis.dev/portcullis/pkg/policy"
)

// Namesake is a load balancer that another gateway has beside its own, and whose Service has the name of this gateway's.
type Namesake struct {
	// Service is the name that both have.
	Service string `json:"service"`
	// Gateway is the other one, as namespace/name, and LoadBalancer what it calls its load balancer.
	Gateway      string `json:"gateway"`
	LoadBalancer string `json:"loadBalancer"`
	// Clusters are those that have such a Service and that this gateway is in.
	Clusters []string `json:"clusters"`
}

// arrives says whether a request brings a gateway to where it may meet a namesake: it is new, or new in a cluster, or is known
// to be in conflict. Any other change leaves it where it was judged before, and nobody is asked about it.
func (r *Reviewer) arrives(ctx context.Context, request Request) (bool, error) {
	if request.Gateway == nil || request.Old == nil {
		return request.Gateway != nil, nil
	}
	old, gw := request.Old.Typed, request.Gateway.Typed
	if meta.IsStatusConditionTrue(old.Status.Conditions, v1beta1.ConditionConflict) {
		return true, nil
	}
	if slices.Equal(old.Spec.ClusterIDs, gw.Spec.ClusterIDs) && gateway.Managed(old) == gateway.Managed(gw) {
		return false, nil
	}
	registered, err := r.Clusters(ctx)
	if err != nil {
		return false, fmt.Errorf("listing the registered clusters: %w", err)
	}
	before := gateway.Clusters(old, registered)
	isNew := func(id string) bool { return !slices.Contains(before, id) }
	return slices.ContainsFunc(gateway.Clusters(gw, registered), isNew), nil
}

// identify tells the rules of the namesakes of a gateway; nothing where there are none.
func (r *Reviewer) identify(ctx context.Context, gw *v1beta1.IstioGateway, input *policy.Input) error {
	found, err := r.namesakes(ctx, gw)
	if err == nil && len(found) > 0 {
		input.Namesakes = found
	}
	return err
}

// identifyToo tells the rules of the namesakes that a gateway had before, where it has some now.
func (r *Reviewer) identifyToo(ctx context.Context, past Request, now policy.Input, input *policy.Input) error {
	if now.Namesakes == nil {
		return nil
	}
	return r.identify(ctx, past.Gateway.Typed, input)
}

// namesakes finds the namesakes of a gateway. Their gateways have what comes before one of its hyphens as their names, so
// these few are asked for, and not all that there are.
func (r *Reviewer) namesakes(ctx context.Context, gw *v1beta1.IstioGateway) ([]Namesake, error) {
	registered, err := r.Clusters(ctx)
	if err != nil {
		return nil, fmt.Errorf("listing the registered clusters: %w", err)
	}
	var out []Namesake
	for i := range gw.Name {
		owner, name := gw.Name[:i], strings.TrimPrefix(gw.Name[i:], "-")
		if gw.Name[i] != '-' || owner == "" || name == "" || strings.HasSuffix(owner, "-") || strings.HasPrefix(name, "-") {
			continue
		}
		other, err := r.Gateway(ctx, gw.Namespace, owner)
		if err != nil {
			return nil, fmt.Errorf("reading IstioGateway %s/%s: %w", gw.Namespace, owner, err)
		}
		if other == nil {
			continue
		}
		if shared := balancedIn(other, name, gateway.Clusters(gw, registered), registered); len(shared) > 0 {
			out = append(out, Namesake{Service: gateway.ObjectName(gw.Name), Gateway: other.Namespace + "/" + other.Name, LoadBalancer: name, Clusters: shared})
		}
	}
	return out, nil
}

// balancedIn are those of some clusters in which a gateway has a load balancer of a name beside its own, as it is rendered.
func balancedIn(gw *v1beta1.IstioGateway, name string, ids []string, registered []v1alpha1.GatewayCluster) []string {
	// What cannot be read makes no Service, and neither does a gateway without ports.
	asked, err := gateway.LoadBalancers(gw.Annotations, gw.Spec.Ports)
	isNamed := func(balancer gateway.LoadBalancer) bool { return balancer.Name == name }
	if err != nil || len(gw.Spec.Ports) == 0 || !slices.ContainsFunc(asked, isNamed) {
		return nil
	}
	var out []string
	for _, id := range gateway.Clusters(gw, registered) {
		cluster := gateway.Find(registered, id)
		if cluster == nil || !slices.Contains(ids, id) {
			continue
		}
		spec := gateway.Place(gw, cluster).Spec
		egress := spec.GatewayType != nil && *spec.GatewayType == v1beta1.GatewayTypeEgress
		if spec.ServiceType != nil && *spec.ServiceType == corev1.ServiceTypeLoadBalancer && !egress {
			out = append(out, id)
		}
	}
	return out
}
