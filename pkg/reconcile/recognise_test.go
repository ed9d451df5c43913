package reconcile

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// everything is a gateway with one object of each kind that is watched.
const everything = `{clusterIds: [home], ports: [{name: http, port: 80}], minReplicas: 1, maxReplicas: 8, cpu: {targetAverageUtilization: 80}, resources: {limits: {cpu: 2000m, memory: 2G}}}`

func TestAfterARestartNothingIsWrittenThatIsInPlace(t *testing.T) {
	b := benchWith(t, pending(t, everything))
	expectError(t, b.pass(t, home), "")
	before := len(b.server.calls)
	b.clusters.local = newCluster(b.server, b.server)
	b.events()

	expectError(t, b.pass(t, home), "")
	expectEqual(t, "requests", b.server.calls[before:], []string{})
	expectEqual(t, "events", b.events(), []string(nil))
	expectError(t, b.pass(t, home), "")
	expectEqual(t, "requests", b.server.calls[before:], []string{})
}

func TestAfterARestartWhatIsNotInPlaceIsWritten(t *testing.T) {
	for name, spoil := range map[string]func(*corev1.Service){
		"a field that somebody changed": func(service *corev1.Service) { service.Spec.Ports[0].TargetPort.IntVal = 7 },
		"a label that somebody took":    func(service *corev1.Service) { delete(service.Labels, "istio") },
	} {
		t.Run(name, func(t *testing.T) {
			server := apiWith(t)
			expectApplied(t, newCluster(server, server), serviceOn(t, "80"))
			service := storedService(t, server)
			spoil(service)
			if err := server.Update(t.Context(), service, client.FieldOwner("somebody")); err != nil {
				t.Fatal(err)
			}
			server.calls = nil
			expectApplied(t, newCluster(server, server), serviceOn(t, "80"))
			expectEqual(t, "requests", server.calls, []string{"apply Service istio-edge"})
		})
	}
}

func TestAfterARestartAnotherDesireIsWritten(t *testing.T) {
	server := apiWith(t)
	expectApplied(t, newCluster(server, server), serviceOn(t, "80"))
	server.calls = nil
	done := expectApplied(t, newCluster(server, server), serviceOn(t, "81"))
	expectEqual(t, "what was done", done, applied{object: serviceOfEdge, changed: true})
}
