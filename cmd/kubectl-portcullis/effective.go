package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/api/v1alpha1"
	"portcullis.dev/portcullis/pkg/gateway"
	"portcullis.dev/portcullis/pkg/review"
)

// effective is what the overrides of a gateway make of its spec, by cluster; nil where nothing is overridden.
func effective(request review.Request, registered []v1alpha1.GatewayCluster) map[string]*v1beta1.EffectiveOverride {
	var stored *v1beta1.IstioGateway
	if request.Old != nil {
		stored = request.Old.Typed
	}
	gw := gateway.WithPins(request.Gateway.Typed, stored)
	out := map[string]*v1beta1.EffectiveOverride{}
	for _, id := range gateway.Clusters(gw, registered) {
		cluster := gateway.Find(registered, id)
		if cluster == nil {
			cluster = &v1alpha1.GatewayCluster{}
			cluster.Name = id
		}
		if overridden := gateway.Overridden(gw, gateway.Place(gw, cluster)); overridden != nil {
			out[id] = overridden
		}
	}
	if len(out) == 0 {
		return nil
	}
	return out
}

// effectiveLines are a line for each cluster where something is overridden, with the values that hold there.
func effectiveLines(overridden map[string]*v1beta1.EffectiveOverride) ([]string, error) {
	var out []string
	for _, id := range slices.Sorted(maps.Keys(overridden)) {
		raw, err := json.Marshal(overridden[id])
		if err != nil {
			return nil, err
		}
		fields := map[string]json.RawMessage{}
		if err := json.Unmarshal(raw, &fields); err != nil {
			return nil, err
		}
		var values []string
		for _, name := range slices.Sorted(maps.Keys(fields)) {
			values = append(values, fmt.Sprintf("%s: %s", name, fields[name]))
		}
		out = append(out, fmt.Sprintf("Overridden in %s: %s", id, strings.Join(values, ", ")))
	}
	return out, nil
}
