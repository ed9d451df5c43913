package reconcile

import (
	"encoding/json"
	"reflect"
	"slices"
	"sync"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/managedfields"
	"k8s.io/client-go/applyconfigurations"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// recognised says whether an object is what applying would make of it: the fields on record as ours are those that we state,
// no more and no fewer, and have the values that we state. A process that has just started remembers nothing of what it
// applied, and would write everything again to find that nothing changes. What cannot be compared is applied, and so is a
// Deployment that waits for its first pods: they come after applying.
func recognised(present client.Object, desired *unstructured.Unstructured) bool {
	if deployment, ok := present.(*appsv1.Deployment); ok {
		first, err := firstPods(deployment)
		if err != nil || first != nil {
			return false
		}
		if desired, err = asMade(desired, deployment); err != nil {
			return false
		}
	}
	same, err := compareOwned(desired, present)
	return err == nil && same
}

// compareOwned compares what of a live object is ours on record with what we state.
func compareOwned(desired *unstructured.Unstructured, live client.Object) (bool, error) {
	convert := typedBy(desired)
	sparse, err := convert.ObjectToTyped(desired)
	if err != nil {
		return false, err
	}
	stated, err := sparse.ToFieldSet()
	if err != nil {
		return false, err
	}
	identity, err := convert.ObjectToTyped(identityOf(desired))
	if err != nil {
		return false, err
	}
	named, err := identity.ToFieldSet()
	if err != nil {
		return false, err
	}
	// Nobody is on record for what names an object.
	stated = stated.Difference(named)
	record, err := stated.ToJSON()
	if err != nil || !sameRecord(record, []byte(ownedFields(live))) {
		return false, err
	}
	whole, err := inFull(desired)
	if err != nil {
		return false, err
	}
	shall, err := convert.ObjectToTyped(whole)
	if err != nil {
		return false, err
	}
	has, err := convert.ObjectToTyped(completed(live, desired.GroupVersionKind()))
	if err != nil {
		return false, err
	}
	leaves := stated.Leaves()
	compared, err := has.ExtractItems(leaves).Compare(shall.ExtractItems(leaves))
	return err == nil && compared.IsSame(), err
}

// sameRecord compares two records of fields, but for the dots that say that a map itself is owned: whether there are any
// depends on how much a schema says of the map.
func sameRecord(one, other []byte) bool {
	var fields [2]map[string]any
	for i, record := range [][]byte{one, other} {
		if json.Unmarshal(record, &fields[i]) != nil {
			return false
		}
		dropDots(fields[i])
		// Status is never applied beside the rest.
		delete(fields[i], "f:status")
	}
	return reflect.DeepEqual(fields[0], fields[1])
}

// dropDots takes the dots out of a record.
func dropDots(fields map[string]any) {
	delete(fields, ".")
	for _, inner := range fields {
		if inner, ok := inner.(map[string]any); ok {
			dropDots(inner)
		}
	}
}

// inFull is an object as its Go type writes it, with the zeros and defaults that there are inside of what we state: what is
// compared as a whole has them in the cluster. An object without a Go type stays as it is.
func inFull(desired *unstructured.Unstructured) (runtime.Object, error) {
	kind := desired.GroupVersionKind()
	if !watched(kind) {
		return desired, nil
	}
	out, err := clientgoscheme.Scheme.New(kind)
	if err != nil {
		return nil, err
	}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(desired.Object, out); err != nil {
		return nil, err
	}
	return completed(out, kind), nil
}

// completed is an object with its kind, which what is read by type comes without, and a pod's references complete.
func completed(object runtime.Object, kind schema.GroupVersionKind) runtime.Object {
	out := object.DeepCopyObject()
	out.GetObjectKind().SetGroupVersionKind(kind)
	if deployment, ok := out.(*appsv1.Deployment); ok {
		defaultReferences(&deployment.Spec.Template.Spec)
	}
	return out
}

// defaultReferences completes references to fields of a pod as the API server does.
func defaultReferences(pod *corev1.PodSpec) {
	var references []*corev1.ObjectFieldSelector
	for _, container := range slices.Concat(pod.InitContainers, pod.Containers) {
		for _, variable := range container.Env {
			if variable.ValueFrom != nil {
				references = append(references, variable.ValueFrom.FieldRef)
			}
		}
	}
	for _, volume := range pod.Volumes {
		for _, file := range podFiles(volume) {
			references = append(references, file.FieldRef)
		}
	}
	for _, reference := range references {
		if reference != nil && reference.APIVersion == "" {
			reference.APIVersion = "v1"
		}
	}
}

// podFiles are the files of a volume that tell of the pod.
func podFiles(volume corev1.Volume) []corev1.DownwardAPIVolumeFile {
	if volume.DownwardAPI != nil {
		return volume.DownwardAPI.Items
	}
	var out []corev1.DownwardAPIVolumeFile
	if volume.Projected != nil {
		for _, source := range volume.Projected.Sources {
			if source.DownwardAPI != nil {
				out = append(out, source.DownwardAPI.Items...)
			}
		}
	}
	return out
}

// identityOf is what names an object, and nothing else of it.
func identityOf(object *unstructured.Unstructured) *unstructured.Unstructured {
	out := &unstructured.Unstructured{}
	out.SetGroupVersionKind(object.GroupVersionKind())
	out.SetNamespace(object.GetNamespace())
	out.SetName(object.GetName())
	return out
}

// byKind knows the schemas of Kubernetes' own kinds. Deduced takes an object as it comes: its lists are compared as a whole,
// as API servers do with kinds whose schemas say nothing else.
var (
	byKind  = sync.OnceValue(func() managedfields.TypeConverter { return applyconfigurations.NewTypeConverter(clientgoscheme.Scheme) })
	deduced = sync.OnceValue(managedfields.NewDeducedTypeConverter)
)

// typedBy is what knows the schema of an object.
func typedBy(object *unstructured.Unstructured) managedfields.TypeConverter {
	if watched(object.GroupVersionKind()) {
		return byKind()
	}
	return deduced()
}
