package gateway

import (
	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
)

// Normalize is a spec with every documented default written out and one spelling for each quantity; clusters
// and overrides are as they were. Two specs that differ in how they are written alone are the same then.
func Normalize(spec v1beta1.IstioGatewaySpec) v1beta1.IstioGatewaySpec {
	spec = *spec.DeepCopy()
	fillDefaults(&spec)
	canonicalise(&spec)
	for id, override := range spec.Overrides {
		if override.Resources != nil {
			canonicaliseList(override.Resources.Limits)
			canonicaliseList(override.Resources.Requests)
		}
		spec.Overrides[id] = override
	}
	return spec
}
