package reconcile

import (
	"encoding/json"
	"errors"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// twoPorts is a gateway that asks for one node port.
const twoPorts = `{ports: [{name: http, port: 80}, {name: https, port: 443, nodePort: 30443}]}`

func TestPortsAreInTheWay(t *testing.T) {
	desired, _, err := convert(objectsOf(t, twoPorts).Service)
	expectError(t, err, "")
	for name, test := range map[string]struct {
		port corev1.ServicePort
		want int
	}{
		"with a name of ours":                     {corev1.ServicePort{Name: "http", Port: 8080, Protocol: "TCP"}, 1},
		"with a name of ours over UDP":            {corev1.ServicePort{Name: "http", Port: 80, Protocol: "UDP"}, 1},
		"without a name":                          {corev1.ServicePort{Port: 8080, Protocol: "TCP"}, 1},
		"with a node port of ours":                {corev1.ServicePort{Name: "debug", Port: 9000, Protocol: "TCP", NodePort: 30443}, 1},
		"not with a node port of ours over UDP":   {corev1.ServicePort{Name: "debug", Port: 9000, Protocol: "UDP", NodePort: 30443}, 0},
		"not with what is nobody's":               {corev1.ServicePort{Name: "debug", Port: 9000, Protocol: "TCP"}, 0},
		"not where they are ours":                 {corev1.ServicePort{Name: "http", Port: 80, Protocol: "TCP"}, 0},
		"not where they are ours by another name": {corev1.ServicePort{Name: "https", Port: 80, Protocol: "TCP"}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			found, err := clashing(desired, &corev1.Service{Spec: corev1.ServiceSpec{Ports: []corev1.ServicePort{test.port}}})
			expectError(t, err, "")
			expectEqual(t, "ports in the way", len(found), test.want)
		})
	}
}

func TestPortsAreHandedOverOnRecord(t *testing.T) {
	renumbered := []corev1.ServicePort{{Name: "https", Port: 8443, Protocol: "TCP"}}
	const (
		theirs = `"k:{\"port\":8443,\"protocol\":\"TCP\"}":{"f:name":{}}`
		kept   = `"k:{\"port\":80,\"protocol\":\"TCP\"}":{"f:name":{}}`
		taken  = `"k:{\"port\":8443,\"protocol\":\"TCP\"}":{".":{}}`
	)
	for name, test := range map[string]struct {
		before, after []metav1.ManagedFieldsEntry
	}{
		"from who has nothing else": {
			[]metav1.ManagedFieldsEntry{recordOf("edit", "Update", `{"f:spec":{"f:ports":{`+theirs+`}}}`), recordOf("portcullis", "Apply", `{"f:spec":{"f:ports":{`+kept+`}}}`)},
			[]metav1.ManagedFieldsEntry{recordOf("portcullis", "Apply", `{"f:spec":{"f:ports":{`+kept+`,`+taken+`}}}`)},
		},
		"from who has more": {
			[]metav1.ManagedFieldsEntry{recordOf("edit", "Update", `{"f:spec":{"f:ports":{`+theirs+`},"f:type":{}}}`), recordOf("portcullis", "Apply", `{}`)},
			[]metav1.ManagedFieldsEntry{recordOf("edit", "Update", `{"f:spec":{"f:type":{}}}`), recordOf("portcullis", "Apply", `{"f:spec":{"f:ports":{`+taken+`}}}`)},
		},
		"from who has other ports": {
			[]metav1.ManagedFieldsEntry{recordOf("edit", "Apply", `{"f:spec":{"f:ports":{`+kept+`,`+theirs+`}}}`), recordOf("portcullis", "Apply", `{}`)},
			[]metav1.ManagedFieldsEntry{recordOf("edit", "Apply", `{"f:spec":{"f:ports":{`+kept+`}}}`), recordOf("portcullis", "Apply", `{"f:spec":{"f:ports":{`+taken+`}}}`)},
		},
		"and nothing is, of who has none": {
			[]metav1.ManagedFieldsEntry{through("status", recordOf("cloud", "Update", `{"f:status":{}}`)), {Manager: "old", Operation: "Update"}, recordOf("portcullis", "Apply", `{}`)},
			[]metav1.ManagedFieldsEntry{through("status", recordOf("cloud", "Update", `{"f:status":{}}`)), {Manager: "old", Operation: "Update"}, recordOf("portcullis", "Apply", `{"f:spec":{"f:ports":{`+taken+`}}}`)},
		},
		"to us, who had nothing": {
			nil,
			[]metav1.ManagedFieldsEntry{{
				Manager: "portcullis", Operation: "Apply", APIVersion: "v1", FieldsType: "FieldsV1", FieldsV1: metav1.NewFieldsV1(`{"f:spec":{"f:ports":{` + taken + `}}}`),
			}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, changed, err := handedOver(test.before, renumbered)
			expectError(t, err, "")
			expectEqual(t, "is new", changed, true)
			expectEqual(t, "records", asJSON(t, got), asJSON(t, test.after))
		})
	}
}

func TestPortsThatAreOursOnRecordStayAsTheyAre(t *testing.T) {
	records := []metav1.ManagedFieldsEntry{
		recordOf("cloud", "Update", `{"f:spec":{"f:type":{}}}`),
		recordOf("portcullis", "Apply", `{"f:spec":{"f:ports":{"k:{\"port\":8443,\"protocol\":\"TCP\"}":{".":{},"f:name":{}}}}}`),
	}
	got, changed, err := handedOver(records, []corev1.ServicePort{{Name: "https", Port: 8443, Protocol: "TCP"}})
	expectError(t, err, "")
	expectEqual(t, "is new", changed, false)
	expectEqual(t, "records", got, records)
}

func TestAPortThatTheGatewayRenumbersNeedsNoWriteBeforehand(t *testing.T) {
	server := apiWith(t)
	c := newCluster(server, server)
	expectApplied(t, c, serviceOn(t, "80"))
	server.calls = nil
	expectApplied(t, c, serviceOn(t, "81"))
	expectEqual(t, "requests", server.calls, []string{"apply Service istio-edge"})
}

// asJSON is a value as text.
func asJSON(t *testing.T, value any) string {
	t.Helper()
	raw, err := json.Marshal(value)
	expectError(t, err, "")
	return string(raw)
}

// renumber gives a port of the Service another number, past the guard.
func renumber(t *testing.T, server client.Client, to int32) {
	t.Helper()
	service := storedService(t, server)
	service.Spec.Ports[len(service.Spec.Ports)-1].Port = to
	if err := server.Update(t.Context(), service, client.FieldOwner("kubectl-edit")); err != nil {
		t.Fatal(err)
	}
}

func TestAPortThatSomebodyRenumberedIsPutBack(t *testing.T) {
	server := apiWith(t)
	c := newCluster(server, server)
	object := objectsOf(t, twoPorts).Service
	expectApplied(t, c, object)
	renumber(t, server, 8443)
	version := storedService(t, server).ResourceVersion
	server.calls = nil

	expectEqual(t, "what was done", expectApplied(t, c, object), applied{object: serviceOfEdge, drifted: "kubectl-edit"})
	expectEqual(t, "requests", server.calls, []string{"patch Service istio-edge", "apply Service istio-edge"})
	var numbers []int32
	for _, port := range storedService(t, server).Spec.Ports {
		numbers = append(numbers, port.Port)
	}
	expectEqual(t, "ports", numbers, []int32{80, 443})
	if storedService(t, server).ResourceVersion == version {
		t.Error("nothing was written")
	}
	server.calls = nil
	expectEqual(t, "what was done then", expectApplied(t, c, object), applied{object: serviceOfEdge})
	expectEqual(t, "requests then", server.calls, []string(nil))
}

func TestNothingIsAppliedWhenPortsCannotBeTakenOver(t *testing.T) {
	server := apiWith(t)
	c := newCluster(server, server)
	object := objectsOf(t, twoPorts).Service
	expectApplied(t, c, object)
	renumber(t, server, 8443)
	server.calls = nil
	server.refusing(errors.New("refused"), "patch Service istio-edge")

	_, err := c.apply(t.Context(), object, "", false)
	expectError(t, err, "taking over the ports of Service istio-system/istio-edge: refused")
	expectEqual(t, "requests", server.calls, []string{"patch Service istio-edge"})
}

func TestPortsAreTakenOverOfTheVersionThatWasRead(t *testing.T) {
	server := apiWith(t)
	expectApplied(t, newCluster(server, server), objectsOf(t, twoPorts).Service)
	renumber(t, server, 8443)
	stale := storedService(t, server)
	renumber(t, server, 9443)
	desired, _, err := convert(objectsOf(t, twoPorts).Service)
	expectError(t, err, "")

	if err := newCluster(server, server).takePorts(t.Context(), desired, stale); !isRace(err) {
		t.Errorf("got %v, want a race", err)
	}
}

func TestPortsAreForeseen(t *testing.T) {
	for name, test := range map[string]struct {
		port   int64
		fields int
	}{
		"where one was renumbered": {8443, 1},
		"where none was":           {443, 0},
	} {
		t.Run(name, func(t *testing.T) {
			desired, _, err := convert(objectsOf(t, twoPorts).Service)
			expectError(t, err, "")
			live := desired.DeepCopy()
			live.SetManagedFields([]metav1.ManagedFieldsEntry{recordOf("kubectl-edit", "Update", `{"f:spec":{"f:ports":{"k:{\"port\":8443,\"protocol\":\"TCP\"}":{}}}}`)})
			ports := []any{map[string]any{"name": "https", "port": test.port, "protocol": "TCP"}}
			expectError(t, unstructured.SetNestedSlice(live.Object, ports, "spec", "ports"), "")
			fields, err := foreseePorts(desired, live)
			expectError(t, err, "")
			expectEqual(t, "fields", len(fields), test.fields)
			stated, _, err := unstructured.NestedSlice(desired.Object, "spec", "ports")
			expectError(t, err, "")
			expectEqual(t, "states what there is", asJSON(t, stated) == asJSON(t, ports), test.fields == 1)
		})
	}
}
