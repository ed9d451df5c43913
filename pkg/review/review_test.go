package review

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime"

	"portcullis.dev/portcullis/pkg/api/v1alpha1"
	"portcullis.dev/portcullis/pkg/change"
)

func TestMutateFillsInWhatIsAbsentAndKeepsWhatIsThere(t *testing.T) {
	raw := gatewayOf(t, `{clusterIds: [c1], replicaCount: 3, ports: [{port: 80, targetPort: 0}]}`)
	spec := mutated(t, reviewer(t, known(t)...), raw, nil)["spec"].(map[string]any)
	if !same(t, spec["replicaCount"], 3) {
		t.Errorf("got replicaCount %v, want the 3 that were written", spec["replicaCount"])
	}
	if spec["serviceType"] != "LoadBalancer" {
		t.Errorf("got serviceType %v, want LoadBalancer", spec["serviceType"])
	}
	if want := []any{map[string]any{"name": "tcp-80", "port": 80, "protocol": "TCP", "targetPort": 80}}; !same(t, spec["ports"], want) {
		t.Errorf("got ports %v, want %v", spec["ports"], want)
	}
}

func TestMutateChangesNothingThatComesIn(t *testing.T) {
	asked := request(t, gatewayOf(t, `{clusterIds: [c1], ports: [{port: 80}], compression: {}}`), nil)
	before := asJSON(t, asked.Gateway)
	if _, err := reviewer(t, known(t)...).Mutate(t.Context(), asked); err != nil {
		t.Fatal(err)
	}
	if !same(t, asked.Gateway, before) {
		t.Errorf("got %v, want %v", asJSON(t, asked.Gateway), before)
	}
}

func TestMutateLeavesAGatewayOnItsWayOutAsItIs(t *testing.T) {
	raw := gatewayOf(t, `{clusterIds: [c1]}`)
	raw["metadata"].(map[string]any)["deletionTimestamp"] = "2026-01-01T00:00:00Z"
	r := reviewer(t)
	r.Clusters = func(context.Context) ([]v1alpha1.GatewayCluster, error) {
		t.Error("asked for the clusters: nothing in the way may keep a finalizer from being removed")
		return nil, nil
	}
	if got := mutated(t, r, raw, raw); !same(t, got, raw) {
		t.Errorf("got %v, want %v", got, raw)
	}
}

func TestValidateSaysWhichRulesDecidedAndWhatTheChangeDoes(t *testing.T) {
	r := reviewer(t, known(t)...)
	old := gatewayOf(t, `{clusterIds: [c1], ports: [{port: 80}]}`)
	decision := decided(t, r, gatewayOf(t, `{clusterIds: [c1], ports: [{port: 80}], serviceType: NodePort}`), old)
	if decision.Revision == "" || decision.Revision != r.Engine().Revision() {
		t.Errorf("got revision %q, want %q", decision.Revision, r.Engine().Revision())
	}
	if want := map[change.Effect][]string{change.AddressLoss: {"c1"}, change.Restart: {}}; !reflect.DeepEqual(decision.Change.Effects, want) {
		t.Errorf("got effects %v, want %v", decision.Change.Effects, want)
	}
	if decision.Change.Digest == "" {
		t.Error("the change has no digest")
	}
	if created := decided(t, r, old, nil); created.Revision == "" || !reflect.DeepEqual(created.Change, change.None()) {
		t.Errorf("creating: got %+v, want a revision and no change", created)
	}
}

func TestValidateDeniesASinAndWarnsOfAnOldOne(t *testing.T) {
	const swappiness, printk = "kernel_parameters: spec.kernel.parameters.vm.swappiness", "kernel_parameters: spec.kernel.parameters.kernel.printk"
	sinner := `{clusterIds: [c1], kernel: {enabled: true, parameters: {vm.swappiness: "10"}}}`
	tests := map[string]struct {
		gateway, old     string
		denied, warnedOf []string
	}{
		"a new gateway is denied":                     {sinner, "", []string{swappiness}, nil},
		"a stored one is warned of as it is":          {sinner, sinner, nil, []string{swappiness}},
		"a change elsewhere is warned of":             {strings.Replace(sinner, "c1]", "c1], replicaCount: 2", 1), sinner, nil, []string{swappiness}},
		"a new sin is denied":                         {sinner, `{clusterIds: [c1]}`, []string{swappiness}, nil},
		"a changed sin is denied":                     {strings.Replace(sinner, "10", "20", 1), sinner, []string{swappiness}, nil},
		"a second sin is denied, the first warned of": {strings.Replace(sinner, `"10"`, `"10", kernel.printk: "4"`, 1), sinner, []string{printk}, []string{swappiness}},
		"a sin that is gone is not spoken of":         {`{clusterIds: [c1]}`, sinner, nil, nil},
		"a default that was filled in is no change":   {strings.Replace(sinner, "c1]", "c1], gatewayType: ingress, replicaCount: 1", 1), sinner, nil, []string{swappiness}},
		"an override that loses its cluster is denied": {
			`{clusterIds: [c1, old-mesh], overrides: {c2: {replicaCount: 2}}}`, `{clusterIds: [c1, c2], overrides: {c2: {replicaCount: 2}}}`,
			[]string{"override_clusters: spec.overrides.c2"}, nil,
		},
		"an override that had none is warned of": {
			`{clusterIds: [c1, c2], replicaCount: 2, overrides: {gone: {replicaCount: 2}}}`, `{clusterIds: [c1, c2], overrides: {gone: {replicaCount: 2}}}`,
			nil, []string{"override_clusters: spec.overrides.gone"},
		},
		"a new sin at an old field is denied": {
			`{clusterIds: [gone, c1], hostNetwork: true, kernel: {enabled: true, parameters: {net.ipv4.ip_local_port_range: "1024 65535"}}}`,
			`{clusterIds: [gone, c1], kernel: {enabled: true, parameters: {net.ipv4.ip_local_port_range: "1024 65535"}}}`,
			[]string{"kernel_parameters: spec.kernel.parameters.net.ipv4.ip_local_port_range", "restart_approval: spec.dnsPolicy"}, []string{"cluster_ids: spec.clusterIds[0]", "host_network: spec.hostNetwork"},
		},
		"a cluster that is gone is warned of": {
			`{clusterIds: [gone, c1]}`, `{clusterIds: [gone]}`,
			nil, []string{"cluster_ids: spec.clusterIds[0]"},
		},
		"another cluster that is not there is denied": {
			`{clusterIds: [nowhere, c1]}`, `{clusterIds: [gone, c1]}`,
			[]string{"cluster_ids: spec.clusterIds[0]"}, nil,
		},
		"what is absent and was absent is warned of": {
			`{}`, `{}`,
			nil, []string{"cluster_ids: spec.clusterIds"},
		},
		"what was there and goes is denied": {
			`{}`, `{clusterIds: [c1]}`,
			[]string{"cluster_ids: spec.clusterIds"}, nil,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var old map[string]any
			if test.old != "" {
				old = gatewayOf(t, test.old)
			}
			decision := decided(t, reviewer(t, known(t)...), gatewayOf(t, test.gateway), old)
			if got := fieldsOf(decision.Denials); !slices.Equal(got, test.denied) {
				t.Errorf("got denials %v, want %v", got, test.denied)
			}
			if got := fieldsOf(decision.Warnings); !slices.Equal(got, test.warnedOf) {
				t.Errorf("got warnings %v, want %v", got, test.warnedOf)
			}
		})
	}
}

func TestValidateSortsOldSinsAmongTheWarnings(t *testing.T) {
	sinner := `{clusterIds: [gone, c1], kernel: {enabled: true, parameters: {net.core.somaxconn: "1"}}}`
	got := fieldsOf(decided(t, reviewer(t, known(t)...), gatewayOf(t, sinner), gatewayOf(t, sinner)).Warnings)
	want := []string{"cluster_ids: spec.clusterIds[0]", "kernel_parameters: spec.kernel.parameters.net.core.somaxconn"}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want the old sin before the other warning: %v", got, want)
	}
}

// Of a sinner whose sins are all old, any field that has nothing to do with them may change.
func TestValidateTurnsEveryOldSinIntoAWarningAndNothingElse(t *testing.T) {
	for name, refused := range refusedGateways(t) {
		t.Run(name, func(t *testing.T) {
			r := reviewer(t, known(t)...)
			labelled := fromYAML(t, toYAML(t, refused.gateway))
			labelled["metadata"].(map[string]any)["labels"] = map[string]any{"team": "edge"}
			fresh, stored := decided(t, r, refused.gateway, nil), decided(t, r, labelled, refused.gateway)
			if len(stored.Denials) > 0 {
				t.Errorf("denied for what was stored before: %v", stored.Denials)
			}
			// More of them where nothing was filled in, as nothing is on the way of a label.
			if got, want := len(stored.Warnings), len(fresh.Denials)+len(fresh.Warnings); got < want {
				t.Errorf("got %d warnings %v, want %d: each denial and each warning of a new gateway", got, stored.Warnings, want)
			}
			for _, denial := range fresh.Denials {
				if !slices.Contains(stored.Warnings, denial) {
					t.Errorf("no warning of the old sin %v", denial)
				}
			}
		})
	}
}

// What a deletion releases needs an approval, whatever else is wrong with the gateway; nothing else refuses one.
func TestValidateRefusesADeletionForTheAddressAlone(t *testing.T) {
	gateways := samples(t)
	for name, refused := range refusedGateways(t) {
		gateways[name] = refused.gateway
	}
	gateways["a gateway without anything"] = map[string]any{}
	for name, old := range gateways {
		t.Run(name, func(t *testing.T) {
			decision := decided(t, reviewer(t, known(t)...), nil, old)
			var want []string
			if len(decision.Change.Effects[change.AddressLoss]) > 0 {
				want = []string{"address_approval: metadata.name"}
			}
			if got := fieldsOf(decision.Denials); !slices.Equal(got, want) {
				t.Errorf("got %v, want %v", decision.Denials, want)
			}
			old = runtime.DeepCopyJSON(old)
			metadata, _ := old["metadata"].(map[string]any)
			if metadata == nil {
				return
			}
			metadata["deletionTimestamp"] = "2026-01-01T00:00:00Z"
			if decision = decided(t, reviewer(t, known(t)...), nil, old); len(decision.Denials) > 0 {
				t.Errorf("on its way out: got %v", decision.Denials)
			}
		})
	}
}

func TestValidateSaysWhatADeletionDoes(t *testing.T) {
	decision := decided(t, reviewer(t, known(t)...), nil, gatewayOf(t, `{clusterIds: [c1, c2], ports: [{port: 80}]}`))
	if want := []string{"c1", "c2"}; !slices.Equal(decision.Change.Effects[change.AddressLoss], want) {
		t.Errorf("got addresses lost in %v, want %v", decision.Change.Effects[change.AddressLoss], want)
	}
}

func TestAnErrorOfTheListerIsNeverAnAnswer(t *testing.T) {
	r := reviewer(t)
	r.Clusters = func(context.Context) ([]v1alpha1.GatewayCluster, error) { return nil, errors.New("no cache") }
	asked := request(t, gatewayOf(t, `{clusterIds: [c1]}`), nil)
	if filled, err := r.Mutate(t.Context(), asked); err == nil || filled != nil || err.Error() != "listing the registered clusters: no cache" {
		t.Errorf("filling in: got %v, %v", filled, err)
	}
	decision, err := r.Validate(t.Context(), asked)
	if err == nil || err.Error() != "listing the registered clusters: no cache" || !reflect.DeepEqual(decision, Decision{}) {
		t.Errorf("judging: got %+v, %v", decision, err)
	}
}

// A cluster that is registered meanwhile must not make an old sin look like a new one.
func TestOneDecisionSeesOneListOfClusters(t *testing.T) {
	old := gatewayOf(t, `{clusterIds: [c1], kernel: {enabled: true, parameters: {vm.swappiness: "10"}}}`)
	gateway := mutated(t, reviewer(t, known(t)...), gatewayOf(t, `{clusterIds: [c1], replicaCount: 2, kernel: {enabled: true, parameters: {vm.swappiness: "10"}}}`), old)
	r, asked := reviewer(t), 0
	r.Clusters = func(context.Context) ([]v1alpha1.GatewayCluster, error) {
		asked++
		return known(t)[:max(0, len(known(t))*(2-asked))], nil
	}
	decision, err := r.Validate(t.Context(), request(t, gateway, old))
	if err != nil || len(decision.Denials) > 0 || len(decision.Warnings) == 0 || asked != 1 {
		t.Errorf("asked %d times, got %+v, %v", asked, decision, err)
	}
}

func TestADecisionThatIsGivenUpIsAnError(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("the server stops"))
	r := reviewer(t, known(t)...)
	asked := request(t, gatewayOf(t, `{clusterIds: [c1]}`), nil)
	if _, err := r.Mutate(ctx, asked); err == nil || !strings.HasSuffix(err.Error(), "the server stops") {
		t.Errorf("filling in: got %v", err)
	}
	if decision, err := r.Validate(ctx, asked); err == nil || !strings.HasSuffix(err.Error(), "the server stops") || decision.Revision != "" {
		t.Errorf("judging: got %+v, %v", decision, err)
	}
}

func TestAnOldSinIsForgivenWhereverItHasMoved(t *testing.T) {
	r := reviewer(t, known(t)...)
	old := gatewayOf(t, `{clusterIds: [nowhere], ports: [{port: 80}]}`)
	moved := mutated(t, r, gatewayOf(t, `{clusterIds: [c1, nowhere], ports: [{port: 80}]}`), old)
	decision := decided(t, r, moved, old)
	if len(decision.Denials) > 0 || !slices.Contains(fieldsOf(decision.Warnings), "cluster_ids: spec.clusterIds[1]") {
		t.Errorf("got %+v", decision)
	}
	second := mutated(t, r, gatewayOf(t, `{clusterIds: [nowhere, nowhere-else], ports: [{port: 80}]}`), old)
	decision = decided(t, r, second, old)
	if got := fieldsOf(decision.Denials); !slices.Equal(got, []string{"cluster_ids: spec.clusterIds[1]"}) {
		t.Errorf("got denials %v, want the second sin alone", got)
	}
}
