package review

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/api/v1alpha1"
	"portcullis.dev/portcullis/pkg/gateway"
	"portcullis.dev/portcullis/pkg/policy"
)

// LoadBalancers are the load balancers that a gateway asks for beside its own, as rules read them: they are read here, as
// rendering reads them, so that no rule takes for one what will be none.
type LoadBalancers struct {
	// Services are what is asked for, by the names that the Services shall have.
	Services map[string]gateway.LoadBalancer `json:"services"`
	// Unreadable says why what is asked for cannot be read; empty when it can.
	Unreadable string `json:"unreadable,omitempty"`
	// Taken are those of the names that another gateway's Services have in one of the clusters, each with that gateway.
	Taken map[string]string `json:"taken,omitempty"`
}

// NewLoadBalancers reads what a gateway asks for; nil when it asks for none.
func NewLoadBalancers(gw *v1beta1.IstioGateway) *LoadBalancers {
	if _, asked := gw.Annotations[gateway.AnnotationLoadBalancers]; !asked {
		return nil
	}
	out := &LoadBalancers{Services: map[string]gateway.LoadBalancer{}}
	read, err := gateway.LoadBalancers(gw.Annotations, gw.Spec.Ports)
	if err != nil {
		out.Unreadable = err.Error()
	}
	for _, balancer := range read {
		out.Services[gateway.LoadBalancerName(gw.Name, balancer.Name)] = balancer
	}
	return out
}

// surround tells the rules what of other gateways matters to this one: few have anything that does.
func (r *Reviewer) surround(ctx context.Context, request Request, input *policy.Input) error {
	if err := r.meet(ctx, request, input.Clusters); err != nil {
		return err
	}
	if request.Gateway == nil {
		return nil
	}
	arrives, err := r.arrives(ctx, request)
	if err != nil {
		return err
	}
	if arrives {
		if err := r.identify(ctx, request.Gateway.Typed, input); err != nil {
			return err
		}
	}
	return r.balance(ctx, request, input)
}

// balance tells the rules of the load balancers that a gateway asks for beside its own.
func (r *Reviewer) balance(ctx context.Context, request Request, input *policy.Input) error {
	asked := NewLoadBalancers(request.Gateway.Typed)
	if asked == nil {
		return nil
	}
	input.LoadBalancers = asked
	if len(asked.Services) == 0 {
		return nil
	}
	registered, err := r.Clusters(ctx)
	if err != nil {
		return fmt.Errorf("listing the registered clusters: %w", err)
	}
	others, err := r.Gateways(ctx)
	if err != nil {
		return fmt.Errorf("listing the other gateways: %w", err)
	}
	asked.Taken = taken(request.Gateway.Typed, asked.Services, others, registered)
	return nil
}

// taken are those of some Services' names that other gateways have beside this one, each with the gateway.
func taken(gw *v1beta1.IstioGateway, names map[string]gateway.LoadBalancer, others []v1beta1.IstioGateway, registered []v1alpha1.GatewayCluster) map[string]string {
	out := map[string]string{}
	ids := gateway.Clusters(gw, registered)
	for i := range others {
		other := &others[i]
		beside := func(id string) bool { return slices.Contains(ids, id) }
		if other.Namespace != gw.Namespace || other.Name == gw.Name || !slices.ContainsFunc(gateway.Clusters(other, registered), beside) {
			continue
		}
		theirs := []string{gateway.ObjectName(other.Name)}
		if further := NewLoadBalancers(other); further != nil {
			theirs = slices.AppendSeq(theirs, maps.Keys(further.Services))
		}
		for _, name := range theirs {
			if _, same := names[name]; same {
				out[name] = other.Namespace + "/" + other.Name
			}
		}
	}
	return out
}
