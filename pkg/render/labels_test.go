package render

import (
	"maps"
	"testing"
)

func TestEveryObjectSaysWhoseItIs(t *testing.T) {
	for name, in := range cases(t) {
		for _, object := range rendered(t, in).List() {
			for key, want := range map[string]string{
				"app":                          "istio-" + in.gateway.Name,
				"istio":                        in.gateway.Name,
				"app.kubernetes.io/part-of":    "istio",
				"app.kubernetes.io/managed-by": "portcullis",
				LabelGateway:                   in.gateway.Name,
				LabelGatewayUID:                uid,
				LabelCluster:                   in.cluster.Name,
			} {
				if got := at(t, object, "metadata", "labels", key); got != want {
					t.Errorf("%s: %s has %s %v, want %s", name, *object.GetKind(), key, got, want)
				}
			}
		}
	}
}

func TestSelectorsAreTheSameForEveryGatewayOfTheName(t *testing.T) {
	for name, in := range cases(t) {
		objects := rendered(t, in)
		want := asJSON(t, map[string]string{"app": "istio-" + in.gateway.Name, "istio": in.gateway.Name})
		expectAt(t, objects.Deployment, want, "spec", "selector", "matchLabels")
		if objects.Service != nil {
			expectAt(t, objects.Service, want, "spec", "selector")
		}
		if objects.PodDisruptionBudget != nil {
			expectAt(t, objects.PodDisruptionBudget, want, "spec", "selector", "matchLabels")
		}
		// A Deployment that does not select its own pods is refused.
		for key, value := range objects.Deployment.Spec.Selector.MatchLabels {
			if objects.Deployment.Spec.Template.Labels[key] != value {
				t.Errorf("%s: pods do not have the label %s=%s that selects them", name, key, value)
			}
		}
	}
}

func TestPodsSayNothingThatChangesByItself(t *testing.T) {
	base := inputOf(t, `{ports: [{port: 80}]}`)
	want := hash(t, rendered(t, base))

	recreated := inputOf(t, `{ports: [{port: 80}]}`)
	recreated.gateway.UID = "another"
	recreated.gateway.Generation, recreated.gateway.ResourceVersion = 7, "42"
	recreated.gateway.Labels = map[string]string{"asm-gateway-type": "ingress"}
	recreated.gateway.Annotations = map[string]string{"kubectl.kubernetes.io/last-applied-configuration": "{}"}
	recreated.cluster.Labels = map[string]string{"a": "b"}

	if got := hash(t, rendered(t, recreated)); got != want {
		t.Error("a gateway that is made again restarts, want not")
	}
}

func TestOverlay(t *testing.T) {
	below, onTop := map[string]string{"a": "1", "b": "2"}, map[string]string{"b": "3", "c": "4"}
	got := overlay(below, onTop)
	if want := map[string]string{"a": "1", "b": "3", "c": "4"}; !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if len(below) != 2 || below["b"] != "2" || len(onTop) != 2 {
		t.Errorf("the maps are now %v and %v", below, onTop)
	}
}
