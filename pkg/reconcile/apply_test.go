package reconcile

import (
	"errors"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"portcullis.dev/portcullis/pkg/api/istio/v1beta1"
	"portcullis.dev/portcullis/pkg/gateway"
	"portcullis.dev/portcullis/pkg/render"
)

// serviceOfEdge names the Service that most of these tests are about.
var serviceOfEdge = v1beta1.ObjectReference{APIVersion: "v1", Kind: "Service", Name: "istio-edge"}

// objectsOf is what a gateway is made of in home.
func objectsOf(t *testing.T, spec string) render.Objects {
	t.Helper()
	objects, err := render.Render(gateway.Place(gatewayOf(t, spec), &registeredAs("home")[0]))
	if err != nil {
		t.Fatalf("rendering: %v", err)
	}
	return objects
}

// serviceOn is the Service of a gateway that listens on a port.
func serviceOn(t *testing.T, port string) render.Object {
	t.Helper()
	return objectsOf(t, `{ports: [{name: http, port: `+port+`}]}`).Service
}

// storedService reads the Service.
func storedService(t *testing.T, server client.Reader) *corev1.Service {
	t.Helper()
	service := &corev1.Service{}
	if err := server.Get(t.Context(), client.ObjectKey{Namespace: "istio-system", Name: "istio-edge"}, service); err != nil {
		t.Fatalf("reading the Service: %v", err)
	}
	return service
}

// expectApplied applies an object.
func expectApplied(t *testing.T, c *cluster, object render.Object) applied {
	t.Helper()
	done, err := c.apply(t.Context(), object, "", false)
	expectError(t, err, "")
	return done
}

func TestApplyCreatesWhatIsNotThere(t *testing.T) {
	server := apiWith(t)
	done := expectApplied(t, newCluster(server, server), serviceOn(t, "80"))

	expectEqual(t, "what was done", done, applied{object: serviceOfEdge, created: true})
	expectEqual(t, "port", storedService(t, server).Spec.Ports[0].Port, int32(80))
	expectEqual(t, "requests", server.calls, []string{"apply Service istio-edge"})
}

func TestApplyWritesNothingWhenNothingChanged(t *testing.T) {
	server := apiWith(t)
	c := newCluster(server, server)
	expectApplied(t, c, serviceOn(t, "80"))
	server.calls = nil

	expectEqual(t, "what was done", expectApplied(t, c, serviceOn(t, "80")), applied{object: serviceOfEdge})
	expectEqual(t, "requests", server.calls, []string(nil))
}

func TestApplyWritesNothingWhileItsLastWriteIsNotSeen(t *testing.T) {
	server := apiWith(t)
	c := newCluster(server, server)
	expectApplied(t, c, serviceOn(t, "80"))
	for key, value := range c.written {
		value.resourceVersion = "1000"
		c.remember(key, value)
	}
	server.calls = nil

	expectEqual(t, "what was done", expectApplied(t, c, serviceOn(t, "80")), applied{object: serviceOfEdge})
	expectEqual(t, "requests", server.calls, []string(nil))
}

func TestApplyUpdatesWhatIsWantedOtherwise(t *testing.T) {
	server := apiWith(t)
	c := newCluster(server, server)
	expectApplied(t, c, serviceOn(t, "80"))

	expectEqual(t, "what was done", expectApplied(t, c, serviceOn(t, "81")), applied{object: serviceOfEdge, changed: true})
	expectEqual(t, "ports", len(storedService(t, server).Spec.Ports), 1)
	expectEqual(t, "port", storedService(t, server).Spec.Ports[0].Port, int32(81))
}

func TestApplyMakesAgainWhatSomebodyDeleted(t *testing.T) {
	server := apiWith(t)
	c := newCluster(server, server)
	expectApplied(t, c, serviceOn(t, "80"))
	if err := server.Delete(t.Context(), storedService(t, server)); err != nil {
		t.Fatal(err)
	}

	expectEqual(t, "what was done", expectApplied(t, c, serviceOn(t, "80")), applied{object: serviceOfEdge, created: true})
}

func TestApplyCorrectsWhatSomebodyChanged(t *testing.T) {
	server := apiWith(t)
	c := newCluster(server, server)
	expectApplied(t, c, serviceOn(t, "80"))
	service := storedService(t, server)
	service.Spec.Type = corev1.ServiceTypeNodePort
	if err := server.Update(t.Context(), service, client.FieldOwner("kubectl-edit")); err != nil {
		t.Fatal(err)
	}

	expectEqual(t, "what was done", expectApplied(t, c, serviceOn(t, "80")), applied{object: serviceOfEdge, drifted: "kubectl-edit"})
	expectEqual(t, "type", storedService(t, server).Spec.Type, corev1.ServiceTypeLoadBalancer)
}

func TestApplyKeepsWhatOthersState(t *testing.T) {
	server := apiWith(t)
	c := newCluster(server, server)
	expectApplied(t, c, serviceOn(t, "80"))
	service := storedService(t, server)
	service.Annotations = map[string]string{"field.cattle.io/publicEndpoints": "[]"}
	service.Spec.HealthCheckNodePort = 30001
	if err := server.Update(t.Context(), service, client.FieldOwner("cloud")); err != nil {
		t.Fatal(err)
	}

	expectApplied(t, c, serviceOn(t, "80"))
	expectApplied(t, c, serviceOn(t, "81"))
	expectEqual(t, "annotations", storedService(t, server).Annotations, map[string]string{"field.cattle.io/publicEndpoints": "[]"})
	expectEqual(t, "healthCheckNodePort", storedService(t, server).Spec.HealthCheckNodePort, int32(30001))
}

func TestApplyRefusesWhatIsNotOurs(t *testing.T) {
	for _, test := range []struct {
		name   string
		labels map[string]string
		want   string
	}{
		{
			name: "when it is nobody's",
			want: `applying Service istio-system/istio-edge: it exists and is not this gateway's (label portcullis.dev/gateway must be "edge", is ""); rename the gateway or remove that object`,
		},
		{
			name:   "when it is another gateway's",
			labels: map[string]string{"portcullis.dev/gateway": "other"},
			want:   `applying Service istio-system/istio-edge: it exists and is not this gateway's (label portcullis.dev/gateway must be "edge", is "other"); rename the gateway or remove that object`,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			foreign := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: "istio-system", Name: "istio-edge", Labels: test.labels}}
			live := apiWith(t, foreign)
			// The cache holds our own objects alone, and so knows nothing of this one.
			cached := apiWith(t)
			cached.refusing(conflict(), "apply Service istio-edge")
			_, err := newCluster(cached, live).apply(t.Context(), serviceOn(t, "80"), "", false)
			expectError(t, err, test.want)
			// One that is made only where none is, and then none.
			expectEqual(t, "requests", append(cached.calls, live.calls...), []string{"apply Service istio-edge"})
		})
	}
}

func TestApplySaysWhatWasRefusedAndTriesAgain(t *testing.T) {
	for call, want := range map[string]string{
		"get Service istio-edge":   "reading Service istio-system/istio-edge: refused",
		"apply Service istio-edge": "applying Service istio-system/istio-edge: refused",
	} {
		t.Run(call, func(t *testing.T) {
			server := apiWith(t)
			c := newCluster(server, server)
			server.refusing(errors.New("refused"), call)
			done, err := c.apply(t.Context(), serviceOn(t, "80"), "", false)
			expectError(t, err, want)
			expectEqual(t, "what was done", done, applied{})

			server.refusing(nil)
			expectEqual(t, "what was done then", expectApplied(t, c, serviceOn(t, "80")), applied{object: serviceOfEdge, created: true})
		})
	}
}

func TestConvertTellsWhatDiffers(t *testing.T) {
	_, first, err := convert(serviceOn(t, "80"))
	expectError(t, err, "")
	object, second, err := convert(serviceOn(t, "80"))
	expectError(t, err, "")
	_, third, err := convert(serviceOn(t, "81"))
	expectError(t, err, "")

	expectEqual(t, "hash of the same", second, first)
	if third == first {
		t.Error("two Services with different ports have the same hash")
	}
	expectEqual(t, "kind", object.GetKind(), "Service")
	if _, stated := object.Object["status"]; stated {
		t.Error("the status is stated, which is not ours")
	}
}

func TestWhatAnotherGatewayHasIsNeverTaken(t *testing.T) {
	for owner, want := range map[string]string{
		"":      "",
		"other": `applying Service istio-system/istio-edge: it exists and is not this gateway's (label portcullis.dev/gateway must be "edge", is "other"); rename the gateway or remove that object`,
	} {
		t.Run(owner, func(t *testing.T) {
			theirs := of("edge", "home", &corev1.Service{})
			theirs.Labels = map[string]string{"portcullis.dev/gateway": owner}
			server := apiWith(t, theirs)
			_, err := newCluster(server, server).apply(t.Context(), serviceOn(t, "80"), "", true)
			expectError(t, err, want)
			expectEqual(t, "requests", len(server.calls) > 0, want == "")
		})
	}
}
