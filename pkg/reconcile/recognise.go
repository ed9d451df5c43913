package reconcile

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	appsv1ac "k8s.io/client-go/applyconfigurations/apps/v1"
	autoscalingv2ac "k8s.io/client-go/applyconfigurations/autoscaling/v2"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
	policyv1ac "k8s.io/client-go/applyconfigurations/policy/v1"
	rbacv1ac "k8s.io/client-go/applyconfigurations/rbac/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// recognised says whether an object is what applying would make of it: what of it is ours on record is exactly what we
// state. A process that has just started remembers nothing of what it applied, and would write everything again to find
// that nothing changes. A Deployment that waits for its first pods is not: they come after applying.
func recognised(present client.Object, desired *unstructured.Unstructured) (bool, error) {
	if _, deployment := present.(*appsv1.Deployment); deployment {
		if first, err := firstPods(present); err != nil || first != nil {
			return false, err
		}
	}
	ours, err := extracted(present)
	if err != nil || ours == nil {
		return false, err
	}
	raw, err := json.Marshal(ours)
	if err != nil {
		return false, fmt.Errorf("writing what of %s/%s is ours as JSON: %w", present.GetNamespace(), present.GetName(), err)
	}
	stated := &unstructured.Unstructured{}
	if err := stated.UnmarshalJSON(raw); err != nil {
		return false, fmt.Errorf("reading what of %s/%s is ours from JSON: %w", present.GetNamespace(), present.GetName(), err)
	}
	// Status is never applied beside the rest.
	delete(stated.Object, "status")
	return reflect.DeepEqual(plain(stated.Object), plain(desired.Object)), nil
}

// plain is a value without what an API server fills in beside our own where only a whole belongs to somebody: what is absent
// there means the same.
func plain(value any) any {
	switch value := value.(type) {
	case map[string]any:
		out := make(map[string]any, len(value))
		for key, field := range value {
			if filled, ok := field.(map[string]any); ok {
				field = stripped(filled, key)
			}
			out[key] = plain(field)
		}
		return out
	case []any:
		out := make([]any, 0, len(value))
		for _, item := range value {
			out = append(out, plain(item))
		}
		return out
	default:
		return value
	}
}

// filledIn are the fields, of an object under a key, that an API server fills in, and what with.
var filledIn = map[string]struct{ field, value string }{
	"fieldRef":         {"apiVersion", "v1"},
	"resourceFieldRef": {"divisor", "0"},
}

// stripped is an object without the field that an API server fills in under its key.
func stripped(object map[string]any, key string) map[string]any {
	if filled, ok := filledIn[key]; ok && object[filled.field] == filled.value {
		object = maps.Clone(object)
		delete(object, filled.field)
	}
	return object
}

// extracted are the fields of an object that we own on record, as they would be applied; nothing of other kinds than those
// that gateways are made of.
func extracted(present client.Object) (any, error) {
	switch object := present.(type) {
	case *corev1.ServiceAccount:
		return corev1ac.ExtractServiceAccount(object, FieldOwner)
	case *rbacv1.Role:
		return rbacv1ac.ExtractRole(object, FieldOwner)
	case *rbacv1.RoleBinding:
		return rbacv1ac.ExtractRoleBinding(object, FieldOwner)
	case *corev1.Service:
		return corev1ac.ExtractService(object, FieldOwner)
	case *appsv1.Deployment:
		return appsv1ac.ExtractDeployment(object, FieldOwner)
	case *autoscalingv2.HorizontalPodAutoscaler:
		return autoscalingv2ac.ExtractHorizontalPodAutoscaler(object, FieldOwner)
	case *policyv1.PodDisruptionBudget:
		return policyv1ac.ExtractPodDisruptionBudget(object, FieldOwner)
	default:
		return nil, nil
	}
}
