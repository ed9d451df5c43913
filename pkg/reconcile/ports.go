package reconcile

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"portcullis.dev/portcullis/pkg/change"
)

// takePorts takes over the ports of a Service that cannot stay beside those that we state. Number and protocol are what an
// API server knows a port by: where somebody gave one of ours another number, applying adds ours beside it, and two of one
// name are refused for ever. What is on record as ours and stated no more goes when we apply. So ours they become, on record
// alone, and applying then puts one number in the place of the other at once: no other port is ever gone, and the API
// server carries the node port over by the port's name.
func (c *cluster) takePorts(ctx context.Context, desired *unstructured.Unstructured, present client.Object) error {
	service, ok := present.(*corev1.Service)
	if !ok {
		return nil
	}
	records, err := takenOver(desired, service)
	if err != nil || records == nil {
		return err
	}
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"resourceVersion": service.ResourceVersion, "managedFields": records}})
	if err != nil {
		return fmt.Errorf("writing who owns the ports of Service %s/%s as JSON: %w", service.Namespace, service.Name, err)
	}
	taken := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: service.Namespace, Name: service.Name}}
	if err := c.client.Patch(ctx, taken, client.RawPatch(types.MergePatchType, patch), client.FieldOwner(FieldOwner)); err != nil {
		return fmt.Errorf("taking over the ports of Service %s/%s: %w", service.Namespace, service.Name, err)
	}
	return nil
}

// foreseePorts prepares a dry run, which cannot take ports over and would be refused: it states the ports as they are, and says
// that they would change.
func foreseePorts(desired, live *unstructured.Unstructured) ([]change.Field, error) {
	if desired.GetKind() != "Service" {
		return nil, nil
	}
	service := &corev1.Service{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(live.Object, service); err != nil {
		return nil, fmt.Errorf("reading Service %s/%s: %w", live.GetNamespace(), live.GetName(), err)
	}
	records, err := takenOver(desired, service)
	if err != nil || records == nil {
		return nil, err
	}
	ports, _, err := unstructured.NestedSlice(live.Object, "spec", "ports")
	if err == nil {
		err = unstructured.SetNestedSlice(desired.Object, ports, "spec", "ports")
	}
	return []change.Field{{Path: "spec.ports"}}, err
}

// takenOver are the records of who owns which fields of a Service, with the ports that are in our way as ours; nil where they
// say that already. So they do when a gateway itself gives its port another number.
func takenOver(desired *unstructured.Unstructured, live *corev1.Service) ([]metav1.ManagedFieldsEntry, error) {
	clashes, err := clashing(desired, live)
	if err != nil || len(clashes) == 0 {
		return nil, err
	}
	records, changed, err := handedOver(live.ManagedFields, clashes)
	if err != nil {
		return nil, fmt.Errorf("reading who owns the ports of Service %s/%s: %w", live.Namespace, live.Name, err)
	}
	if !changed {
		return nil, nil
	}
	return records, nil
}

// clashing are the ports of a Service that we do not state, and that cannot stay beside those that we do; ports of other
// people that are in nobody's way are theirs.
func clashing(desired *unstructured.Unstructured, live *corev1.Service) ([]corev1.ServicePort, error) {
	stated := &corev1.Service{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(desired.Object, stated); err != nil {
		return nil, fmt.Errorf("reading Service %s/%s: %w", desired.GetNamespace(), desired.GetName(), err)
	}
	var out []corev1.ServicePort
	for _, port := range live.Spec.Ports {
		same := func(ours corev1.ServicePort) bool { return itemOf(ours) == itemOf(port) }
		inTheWay := func(ours corev1.ServicePort) bool {
			// One without a name must be the only one.
			return port.Name == "" || port.Name == ours.Name ||
				ours.NodePort != 0 && port.NodePort == ours.NodePort && port.Protocol == cmp.Or(ours.Protocol, corev1.ProtocolTCP)
		}
		if !slices.ContainsFunc(stated.Spec.Ports, same) && slices.ContainsFunc(stated.Spec.Ports, inTheWay) {
			out = append(out, port)
		}
	}
	return out, nil
}

// itemOf names a port as records of fields do.
func itemOf(port corev1.ServicePort) string {
	return fmt.Sprintf(`k:{"port":%d,"protocol":%q}`, port.Port, cmp.Or(port.Protocol, corev1.ProtocolTCP))
}

// handedOver are the records of who owns which fields, with some ports as ours and nobody else's, and whether that is new.
func handedOver(records []metav1.ManagedFieldsEntry, ports []corev1.ServicePort) (out []metav1.ManagedFieldsEntry, changed bool, err error) {
	ours := metav1.ManagedFieldsEntry{
		Manager: FieldOwner, Operation: metav1.ManagedFieldsOperationApply, APIVersion: corev1.SchemeGroupVersion.String(),
		FieldsType: "FieldsV1", FieldsV1: metav1.NewFieldsV1("{}"),
	}
	for _, entry := range records {
		if entry.Manager == FieldOwner && entry.Operation == metav1.ManagedFieldsOperationApply && entry.Subresource == "" {
			ours = entry
			continue
		}
		left, dropped, err := editedRecord(entry, ports, dropPorts)
		if err != nil {
			return nil, false, err
		}
		changed = changed || dropped
		// One that is empty now is none.
		if !dropped || left.FieldsV1.GetRawString() != "{}" {
			out = append(out, left)
		}
	}
	ours, added, err := editedRecord(ours, ports, addPorts)
	return append(out, ours), changed || added, err
}

// editedRecord is a record with some ports changed in its fields, and whether they are.
func editedRecord(entry metav1.ManagedFieldsEntry, ports []corev1.ServicePort, edit func(map[string]any, []corev1.ServicePort) bool) (metav1.ManagedFieldsEntry, bool, error) {
	if entry.FieldsV1 == nil {
		return entry, false, nil
	}
	fields := map[string]any{}
	if err := json.Unmarshal(entry.FieldsV1.GetRawBytes(), &fields); err != nil {
		return entry, false, err
	}
	if !edit(fields, ports) {
		return entry, false, nil
	}
	raw, err := json.Marshal(fields)
	entry.FieldsV1 = metav1.NewFieldsV1(string(raw))
	return entry, true, err
}

// dropPorts takes ports out of a record, and what is empty then: an empty record of a list would own the list.
func dropPorts(fields map[string]any, ports []corev1.ServicePort) bool {
	spec, _ := fields["f:spec"].(map[string]any)
	list, _ := spec["f:ports"].(map[string]any)
	before := len(list)
	for _, port := range ports {
		delete(list, itemOf(port))
	}
	if len(list) == before {
		return false
	}
	if len(list) == 0 {
		delete(spec, "f:ports")
	}
	if len(spec) == 0 {
		delete(fields, "f:spec")
	}
	return true
}

// addPorts puts ports into a record that has them not.
func addPorts(fields map[string]any, ports []corev1.ServicePort) bool {
	list := within(within(fields, "f:spec"), "f:ports")
	before := len(list)
	for _, port := range ports {
		within(list, itemOf(port))["."] = map[string]any{}
	}
	return len(list) != before
}

// within is what a record has of a field, made if there is nothing.
func within(fields map[string]any, name string) map[string]any {
	inner, ok := fields[name].(map[string]any)
	if !ok {
		inner = map[string]any{}
		fields[name] = inner
	}
	return inner
}
