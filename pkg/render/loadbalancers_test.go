package render

import (
	"strings"
	"testing"

	"portcullis.dev/portcullis/pkg/gateway"
)

// furtherOf renders a gateway of a spec with further load balancers.
func furtherOf(t *testing.T, spec, balancers string) (Objects, error) {
	t.Helper()
	in := inputOf(t, spec)
	in.gateway.Annotations = map[string]string{gateway.AnnotationLoadBalancers: balancers}
	return Render(in.place())
}

func TestLoadBalancersAreNoneWhereNothingComesFromOutside(t *testing.T) {
	for spec, want := range map[string]int{
		`{ports: [{port: 80}]}`:                         1,
		`{ports: [{port: 80}], serviceType: NodePort}`:  0,
		`{ports: [{port: 80}], serviceType: ClusterIP}`: 0,
		`{ports: [{port: 80}], gatewayType: egress}`:    0,
		`{}`: 0,
	} {
		objects, err := furtherOf(t, spec, `[{name: private}]`)
		if err != nil || len(objects.LoadBalancers) != want {
			t.Errorf("%s: got %s, %v, want %d", spec, asJSON(t, objects.LoadBalancers), err, want)
		}
	}
}

func TestLoadBalancersTakeNothingOverFromTheSpec(t *testing.T) {
	objects, err := furtherOf(t, `{ports: [{port: 80, nodePort: 30080}], externalTrafficPolicy: Local, loadBalancerClass: a/b, loadBalancerIP: 192.0.2.1,
		serviceAnnotations: {a: b}, serviceLabels: {team: edge}}`, `[{name: private}]`)
	if err != nil {
		t.Fatal(err)
	}
	further := objects.LoadBalancers[0]
	for _, field := range []string{"loadBalancerClass", "loadBalancerIP"} {
		expectAt(t, further, "null", "spec", field)
	}
	expectAt(t, further, `"Cluster"`, "spec", "externalTrafficPolicy")
	expectAt(t, further, "null", "spec", "ports", 0, "nodePort")
	expectAt(t, further, "null", "metadata", "annotations")
	expectAt(t, further, "null", "metadata", "labels", "team")
	expectAt(t, further, `"private"`, "metadata", "labels", LabelLoadBalancer)
	expectAt(t, objects.Service, `30080`, "spec", "ports", 0, "nodePort")
}

func TestLoadBalancersThatNobodyCanReadAreAnError(t *testing.T) {
	_, err := furtherOf(t, `{}`, `[{name: private, bogus: 1}]`)
	if err == nil || !strings.Contains(err.Error(), "metadata.annotations[portcullis.dev/load-balancers] must be a list") {
		t.Errorf("got %v, want an error that names the annotation", err)
	}
}
