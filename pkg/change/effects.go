package change

import (
	"maps"
	"slices"

	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"

	"portcullis.dev/portcullis/pkg/render"
)

// effects are what a change can do, each with the test for it between two renderings in one cluster.
func effects() []effect {
	return []effect{
		{Restart, restarts},
		{AddressLoss, losesAddress},
	}
}

// effect is one thing that a change can do.
type effect struct {
	name Effect
	does func(before, after render.Objects) (bool, error)
}

// restarts: a Deployment replaces its pods exactly when its template differs. Pods of a Deployment that goes
// have nothing to be restarted as.
func restarts(before, after render.Objects) (bool, error) {
	if before.Deployment == nil || after.Deployment == nil {
		return false, nil
	}
	left, err := before.TemplateHash()
	if err != nil {
		return false, err
	}
	right, err := after.TemplateHash()
	return left != right, err
}

// losesAddress: the Service stops being a LoadBalancer, or asks for what the cloud controller can only give
// with a new load balancer.
func losesAddress(before, after render.Objects) (bool, error) {
	if !balanced(before) {
		return false, nil
	}
	return !balanced(after) || anotherBalancer(before.Service, after.Service), nil
}

// anotherBalancer says whether a load balancer cannot become what its Service asks for now.
func anotherBalancer(before, after *corev1ac.ServiceApplyConfiguration) bool {
	if value(before.Spec.LoadBalancerClass) != value(after.Spec.LoadBalancerClass) {
		return true
	}
	return slices.ContainsFunc(immutable(), func(attribute string) bool {
		return annotation(before.Annotations, attribute) != annotation(after.Annotations, attribute)
	})
}

// immutable are the attributes of a load balancer that Alibaba Cloud's controller cannot change on a live
// one, and the one that names the load balancer itself, by the end of their annotation's key.
// https://github.com/kubernetes/cloud-provider-alibaba-cloud, pkg/controller/service/clbv1/loadbalancer.go
func immutable() []string {
	return []string{
		"master-zoneid", "slave-zoneid", "address-type", "ip-version", "resource-group-id", "network-type", "ip", "id",
	}
}

// annotation is the value of a load balancer attribute, under its present keyword or the one before 2019.
func annotation(annotations map[string]string, attribute string) string {
	if value, ok := annotations["service.beta.kubernetes.io/alibaba-cloud-loadbalancer-"+attribute]; ok {
		return value
	}
	return annotations["service.beta.kubernetes.io/alicloud-loadbalancer-"+attribute]
}

// value is what a pointer points to, empty for none.
func value(text *string) string {
	if text == nil {
		return ""
	}
	return *text
}

// cause notes in the changed fields which of them cause an effect in a cluster: those that cause it alone
// or, if none does, the smallest set found by adding one field after the other and then leaving out each
// that is not needed.
func cause(changed []Field, name Effect, id string, causes func(set map[int]bool) (bool, error)) error {
	guilty := map[int]bool{}
	for i := range changed {
		alone, err := causes(map[int]bool{i: true})
		if err != nil {
			return err
		}
		if alone {
			guilty[i] = true
		}
	}
	if len(guilty) == 0 {
		var err error
		if guilty, err = smallest(len(changed), causes); err != nil {
			return err
		}
	}
	for i := range guilty {
		changed[i].Effects = append(changed[i].Effects, name)
		changed[i].Clusters = append(changed[i].Clusters, id)
	}
	return nil
}

// smallest is a set of fields that cause an effect together, none of which can be left out.
func smallest(n int, causes func(set map[int]bool) (bool, error)) (map[int]bool, error) {
	set := map[int]bool{}
	for i := range n {
		set[i] = true
	}
	for i := range n {
		without := maps.Clone(set)
		delete(without, i)
		still, err := causes(without)
		if err != nil {
			return nil, err
		}
		if still {
			set = without
		}
	}
	return set, nil
}
