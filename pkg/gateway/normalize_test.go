package gateway

import (
	"reflect"
	"testing"
)

func TestNormalizeMakesTwoWritingsOfOneSpecTheSame(t *testing.T) {
	tests := map[string]struct{ a, b string }{
		"a default that is written out":   {`{}`, `{gatewayType: ingress, hostNetwork: false, replicaCount: 1}`},
		"a quantity":                      {`{resources: {limits: {cpu: 2000m}}}`, `{resources: {limits: {cpu: "2"}}}`},
		"a quantity in an override":       {`{overrides: {c1: {resources: {limits: {memory: 1024Mi}}}}}`, `{overrides: {c1: {resources: {limits: {memory: 1Gi}}}}}`},
		"a port's own number as a target": {`{ports: [{port: 80}]}`, `{ports: [{name: tcp-80, port: 80, protocol: TCP, targetPort: 80}]}`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			a, b := specOf(t, test.a), specOf(t, test.b)
			before := *a.DeepCopy()
			if left, right := Normalize(a), Normalize(b); !reflect.DeepEqual(left, right) {
				t.Errorf("got %+v and %+v", left, right)
			}
			if !reflect.DeepEqual(a, before) {
				t.Error("the spec was changed")
			}
		})
	}
}

func TestNormalizeKeepsWhatDiffers(t *testing.T) {
	a, b := specOf(t, `{clusterIds: [c1], overrides: {c1: {replicaCount: 1}}}`), specOf(t, `{clusterIds: [c1]}`)
	if reflect.DeepEqual(Normalize(a), Normalize(b)) {
		t.Error("an override is gone, though it could differ from what the spec says later")
	}
}
