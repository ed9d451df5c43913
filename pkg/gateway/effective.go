package gateway

import (
	"reflect"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
)

// effectiveSpec is a gateway's spec in one cluster. Two specs that mean the same there have the same
// effective spec: overrides are merged first and defaults filled after, so that a default never stands in the
// way of what an override makes of it; then what does not apply goes, and quantities get one spelling.
func effectiveSpec(spec v1beta1.IstioGatewaySpec, clusterID, meshVersion string) v1beta1.IstioGatewaySpec {
	override, overridden := spec.Overrides[clusterID]
	// Left out before the copy: a gateway in 50 clusters has 50 overrides, of which one matters here.
	spec.ClusterIDs, spec.Overrides = nil, nil
	spec = *spec.DeepCopy()
	if overridden {
		merge(&spec, override.DeepCopy(), meshVersion)
	}
	fillDefaults(&spec)
	dropInapplicable(&spec)
	canonicalise(&spec)
	return spec
}

// dropInapplicable takes away what is written and does not hold in this cluster. The external traffic policy
// is about traffic that comes from outside, and neither a ClusterIP Service nor an egress gateway has any. In
// another cluster of the same gateway, where the Service has another type, it may hold.
func dropInapplicable(spec *v1beta1.IstioGatewaySpec) {
	if !fromOutside(spec) {
		spec.ExternalTrafficPolicy = nil
	}
}

// merge puts a cluster's overrides over the spec. Only the fields that ASM honours per cluster count: the
// type accepts all of them there, and admission refuses the rest because they would do nothing.
func merge(spec *v1beta1.IstioGatewaySpec, override *v1beta1.IstioGatewayBasicConfiguration, meshVersion string) {
	spec.ServiceAnnotations = mergeKeys(spec.ServiceAnnotations, override.ServiceAnnotations)
	spec.PodAnnotations = mergeKeys(spec.PodAnnotations, override.PodAnnotations)
	// As a whole: half of one writing's limits over half of another's is what nobody wrote.
	if !noResources(override.Resources) {
		spec.Resources = override.Resources
	}
	replace(&spec.ReplicaCount, override.ReplicaCount)
	if OverridesHPA.In(meshVersion) {
		mergeScaling(spec, override)
	}
}

// mergeScaling puts the overrides over the spec that meshes honour since 1.16.
func mergeScaling(spec *v1beta1.IstioGatewaySpec, override *v1beta1.IstioGatewayBasicConfiguration) {
	replace(&spec.AutoscaleEnabled, override.AutoscaleEnabled)
	replace(&spec.MinReplicas, override.MinReplicas)
	replace(&spec.MaxReplicas, override.MaxReplicas)
	replace(&spec.ServiceType, override.ServiceType)
	// Consoles write `cpu: {}` where they mean nothing, so it takes no target away.
	if override.CPU != nil && override.CPU.TargetAverageUtilization != nil {
		spec.CPU = override.CPU
	}
	if override.Memory != nil && override.Memory.TargetAverageUtilization != nil {
		spec.Memory = override.Memory
	}
}

// Overridden is what a gateway's overrides make of its spec in a cluster, for people: the fields that they state, with the
// values that hold there. It is nil where nothing is overridden.
func Overridden(gw *v1beta1.IstioGateway, placed Placed) *v1beta1.EffectiveOverride {
	override, ok := gw.Spec.Overrides[placed.ClusterID]
	if !ok {
		return nil
	}
	out, spec := &v1beta1.EffectiveOverride{}, placed.Spec.DeepCopy()
	show(&out.ServiceAnnotations, spec.ServiceAnnotations, override.ServiceAnnotations != nil)
	show(&out.PodAnnotations, spec.PodAnnotations, override.PodAnnotations != nil)
	show(&out.Resources, spec.Resources, !noResources(override.Resources))
	show(&out.ReplicaCount, spec.ReplicaCount, override.ReplicaCount != nil)
	if OverridesHPA.In(placed.Mesh.Version) {
		show(&out.AutoscaleEnabled, spec.AutoscaleEnabled, override.AutoscaleEnabled != nil)
		show(&out.MinReplicas, spec.MinReplicas, override.MinReplicas != nil)
		show(&out.MaxReplicas, spec.MaxReplicas, override.MaxReplicas != nil)
		show(&out.CPU, spec.CPU, override.CPU != nil)
		show(&out.Memory, spec.Memory, override.Memory != nil)
		show(&out.ServiceType, spec.ServiceType, override.ServiceType != nil)
	}
	if reflect.ValueOf(*out).IsZero() {
		return nil
	}
	return out
}

// show sets a field that is stated.
func show[T any](field *T, value T, stated bool) {
	if stated {
		*field = value
	}
}

// replace sets a scalar that an override states.
func replace[T any](field **T, override *T) {
	if override != nil {
		*field = override
	}
}

// mergeKeys puts an override's keys over those of the spec. An empty value takes a key away: there is no
// other way to say so, and none of the keys that gateways use means anything when empty.
func mergeKeys(spec, override map[string]string) map[string]string {
	// A new map: the one that comes in is a gateway's, which stays as it is.
	out := make(map[string]string, len(spec)+len(override))
	for key, value := range spec {
		out[key] = value
	}
	for key, value := range override {
		out[key] = value
		if value == "" {
			delete(out, key)
		}
	}
	// No key and no map are the same, and look the same.
	if len(out) == 0 {
		return nil
	}
	return out
}
