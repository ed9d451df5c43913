package cluster

import (
	"testing"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

func TestMapperNamesResourcesAsClustersDo(t *testing.T) {
	for kind, want := range map[schema.GroupVersionKind]string{
		{Group: "apps", Version: "v1", Kind: "Deployment"}:                                        "deployments",
		{Group: "autoscaling", Version: "v2", Kind: "HorizontalPodAutoscaler"}:                    "horizontalpodautoscalers",
		{Group: "networking.istio.io", Version: "v1", Kind: "Gateway"}:                            "gateways",
		{Group: "networking.istio.io", Version: "v1alpha3", Kind: "EnvoyFilter"}:                  "envoyfilters",
		{Group: "cert-manager.io", Version: "v1", Kind: "Certificate"}:                            "certificates",
		{Group: "admissionregistration.k8s.io", Version: "v1", Kind: "ValidatingAdmissionPolicy"}: "validatingadmissionpolicies",
		{Group: "discovery.k8s.io", Version: "v1", Kind: "EndpointSlice"}:                         "endpointslices",
		{Version: "v1", Kind: "ServiceAccount"}:                                                   "serviceaccounts",
	} {
		mapping, err := Mapper().RESTMapping(kind.GroupKind(), kind.Version)
		if err != nil {
			t.Error(err)
			continue
		}
		if got := mapping.Resource.Resource; got != want {
			t.Errorf("got %s for %s, want %s", got, kind, want)
		}
	}
}
