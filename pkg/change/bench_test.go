package change

import (
	"fmt"
	"testing"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/api/v1alpha1"
)

// BenchmarkBetween measures the judging of an edit of one field, and of three, that restart pods: in a few clusters, in
// many that are alike, and in many of which no two are.
func BenchmarkBetween(b *testing.B) {
	for _, clusters := range []int{1, 2, 50} {
		for name, override := range map[string]func(int) v1beta1.IstioGatewayBasicConfiguration{
			"alike": nil,
			"each its own": func(i int) v1beta1.IstioGatewayBasicConfiguration {
				out := v1beta1.IstioGatewayBasicConfiguration{}
				out.ReplicaCount = new(int32(i))
				return out
			},
		} {
			old, registered := &v1beta1.IstioGateway{}, []v1alpha1.GatewayCluster{}
			old.Namespace, old.Name, old.UID = "istio-system", "edge", "7c4f"
			old.Spec.Overrides = map[string]v1beta1.IstioGatewayBasicConfiguration{}
			for i := range clusters {
				cluster := v1alpha1.GatewayCluster{}
				cluster.Name = fmt.Sprintf("c%d", i)
				registered = append(registered, cluster)
				old.Spec.ClusterIDs = append(old.Spec.ClusterIDs, cluster.Name)
				if override != nil {
					old.Spec.Overrides[cluster.Name] = override(i)
				}
			}
			one, three := old.DeepCopy(), old.DeepCopy()
			one.Spec.RunAsRoot = new(true)
			three.Spec.RunAsRoot, three.Spec.HostNetwork, three.Spec.PodLabels = new(true), new(true), map[string]string{"a": "b"}
			for edit, changed := range map[string]*v1beta1.IstioGateway{"one field": one, "three fields": three} {
				b.Run(fmt.Sprintf("%d clusters %s/%s", clusters, name, edit), func(b *testing.B) {
					for b.Loop() {
						if _, err := Between(old, changed, registered); err != nil {
							b.Fatal(err)
						}
					}
				})
			}
		}
	}
}
