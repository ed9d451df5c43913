package cluster

import (
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Mapper knows the resources of the kinds that gateways are made of and that are looked at, as every cluster has them.
// To ask each cluster instead would hold up the preparation of a connection until the cluster answers, and hold the
// lists of everything that it has in memory. A kind that a cluster does not have shows when it is written.
func Mapper() meta.RESTMapper {
	mapper := meta.NewDefaultRESTMapper(nil)
	for version, kinds := range map[schema.GroupVersion][]string{
		corev1.SchemeGroupVersion:                           {"ConfigMap", "Pod", "Secret", "Service", "ServiceAccount", "Event"},
		appsv1.SchemeGroupVersion:                           {"Deployment", "ReplicaSet"},
		autoscalingv2.SchemeGroupVersion:                    {"HorizontalPodAutoscaler"},
		policyv1.SchemeGroupVersion:                         {"PodDisruptionBudget"},
		rbacv1.SchemeGroupVersion:                           {"Role", "RoleBinding"},
		discoveryv1.SchemeGroupVersion:                      {"EndpointSlice"},
		{Group: "networking.istio.io", Version: "v1alpha3"}: {"EnvoyFilter"},
		{Group: "cert-manager.io", Version: "v1"}:           {"Certificate"},
	} {
		for _, kind := range kinds {
			mapper.Add(version.WithKind(kind), meta.RESTScopeNamespace)
		}
	}
	for version, kinds := range map[schema.GroupVersion][]string{
		corev1.SchemeGroupVersion:                              {"Namespace", "Node"},
		{Group: "admissionregistration.k8s.io", Version: "v1"}: {"ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"},
		{Group: "authentication.k8s.io", Version: "v1"}:        {"SelfSubjectReview"},
	} {
		for _, kind := range kinds {
			mapper.Add(version.WithKind(kind), meta.RESTScopeRoot)
		}
	}
	// The plural that would be guessed is gatewaies.
	gateways := schema.GroupVersion{Group: "networking.istio.io", Version: "v1"}
	mapper.AddSpecific(gateways.WithKind("Gateway"), gateways.WithResource("gateways"), gateways.WithResource("gateway"), meta.RESTScopeNamespace)
	return mapper
}
