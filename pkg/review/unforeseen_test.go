package review

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"portcullis.dev/portcullis/pkg/change"
)

// Two ports that no Service can have: nothing can be rendered, and so nothing be foreseen.
const (
	sound      = `{clusterIds: [c1], ports: [{name: a, port: 80}, {name: b, port: 443}]}`
	unsound    = `{clusterIds: [c1], ports: [{name: a, port: 80}, {name: b, port: 80}]}`
	unsoundToo = `{clusterIds: [c1], replicaCount: 2, ports: [{name: a, port: 80}, {name: b, port: 80}]}`
)

func TestValidateJudgesWhatCannotBeRendered(t *testing.T) {
	const sin = "ports: spec.ports[1].port"
	tests := map[string]struct {
		gateway, old     string
		denied, warnedOf []string
		lost             int
	}{
		"denies a new one":                    {unsound, "", []string{sin}, nil, 0},
		"denies a change into one":            {unsound, sound, []string{"address_approval: spec.ports", sin, "restart_approval: spec.ports"}, nil, 1},
		"warns of one that was there before":  {unsoundToo, unsound, []string{"address_approval: spec.replicaCount", "restart_approval: spec.replicaCount"}, []string{sin}, 1},
		"lets an approver let one be mended":  {sound, unsound, []string{"address_approval: spec.ports", "restart_approval: spec.ports"}, nil, 1},
		"lets an approver let one be deleted": {"", unsound, []string{"address_approval: metadata.name"}, nil, 1},
		"denies another sin beside its first": {strings.Replace(unsound, "c1]", "c1, nowhere]", 1), unsound, []string{"address_approval: spec.clusterIds", "cluster_ids: spec.clusterIds[1]", "restart_approval: spec.clusterIds"}, []string{sin}, 1},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var gateway, old map[string]any
			if test.gateway != "" {
				gateway = gatewayOf(t, test.gateway)
			}
			if test.old != "" {
				old = gatewayOf(t, test.old)
			}
			decision := decided(t, reviewer(t, known(t)...), gateway, old)
			if got := fieldsOf(decision.Denials); !slices.Equal(got, test.denied) {
				t.Errorf("got denials %v, want %v", got, test.denied)
			}
			for _, want := range test.warnedOf {
				if got := fieldsOf(decision.Warnings); !slices.Contains(got, want) {
					t.Errorf("got warnings %v, want among them %s", got, want)
				}
			}
			if got := decision.Change.Effects[change.AddressLoss]; len(got) != test.lost {
				t.Errorf("got addresses lost in %v, want %d clusters: nobody can promise that they stay", got, test.lost)
			}
		})
	}
}

func TestValidateWarnsOfALabelOnWhatCannotBeRenderedAndForeseesNothing(t *testing.T) {
	labelled := gatewayOf(t, unsound)
	labelled["metadata"].(map[string]any)["labels"] = map[string]any{"team": "edge"}
	decision := decided(t, reviewer(t, known(t)...), labelled, gatewayOf(t, unsound))
	if len(decision.Denials) > 0 || !reflect.DeepEqual(decision.Change, change.None()) {
		t.Errorf("got %+v, want an old sin, and no change of what runs", decision)
	}
}
