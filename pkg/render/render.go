// Package render turns a gateway in one cluster into the objects that make it real there. It is pure: the
// same input gives the same bytes, in admission where it predicts restarts and in the controller that makes
// them, and nothing that comes in is changed.
package render

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"k8s.io/apimachinery/pkg/runtime"
	appsv1ac "k8s.io/client-go/applyconfigurations/apps/v1"
	autoscalingv2ac "k8s.io/client-go/applyconfigurations/autoscaling/v2"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
	policyv1ac "k8s.io/client-go/applyconfigurations/policy/v1"
	rbacv1ac "k8s.io/client-go/applyconfigurations/rbac/v1"

	"portcullis.dev/portcullis/pkg/gateway"
)

// Objects are what a gateway is made of in one cluster; nil means that an object of this kind is not wanted.
//
// They state only what we own. What is left out belongs to others: replicas to an autoscaler, node ports and
// the load balancer to the cluster, annotations and labels of their own to whoever set them.
type Objects struct {
	// ServiceAccount is the pods' identity.
	ServiceAccount *corev1ac.ServiceAccountApplyConfiguration
	// Role lets the control plane hand out certificates in the gateway's name.
	Role *rbacv1ac.RoleApplyConfiguration
	// RoleBinding gives the role to the identity.
	RoleBinding *rbacv1ac.RoleBindingApplyConfiguration
	// Service is the way in; nil while the gateway has no ports.
	Service *corev1ac.ServiceApplyConfiguration
	// LoadBalancers are the Services of further load balancers, in the order of their names.
	LoadBalancers []*corev1ac.ServiceApplyConfiguration
	// Deployment runs the pods.
	Deployment *appsv1ac.DeploymentApplyConfiguration
	// Canary runs one pod more, of the newest mesh profile; nil unless it is asked for.
	Canary *appsv1ac.DeploymentApplyConfiguration
	// HorizontalPodAutoscaler counts the pods; nil when the gateway does so itself.
	HorizontalPodAutoscaler *autoscalingv2ac.HorizontalPodAutoscalerApplyConfiguration
	// PodDisruptionBudget keeps node drains from taking all pods; nil while one is all that is certain.
	PodDisruptionBudget *policyv1ac.PodDisruptionBudgetApplyConfiguration
	// EnvoyFilter compresses responses; nil when that is off.
	EnvoyFilter *Custom
	// Certificate is cert-manager's; nil unless the gateway names an issuer and hosts.
	Certificate *Custom
	// Gateway is Istio's, which opens the ports to routing; nil unless it is to be made.
	Gateway *Custom
}

// Object is one rendered object: an apply configuration that can tell its kind.
type Object interface {
	runtime.ApplyConfiguration
	GetKind() *string
}

// Render makes the objects of a gateway in a cluster. An error says which field cannot be made real and what
// it must be.
func Render(p gateway.Placed) (Objects, error) {
	// Only what reads free text of the user can fail; all or nothing, because half a gateway helps nobody.
	service, err := service(p)
	if err != nil {
		return Objects{}, err
	}
	loadBalancers, err := loadBalancers(p)
	if err != nil {
		return Objects{}, err
	}
	deployment, err := deployment(p)
	if err != nil {
		return Objects{}, err
	}
	canary, err := canary(p)
	if err != nil {
		return Objects{}, err
	}
	return Objects{
		ServiceAccount:          serviceAccount(p),
		Role:                    role(p),
		RoleBinding:             roleBinding(p),
		Service:                 service,
		LoadBalancers:           loadBalancers,
		Deployment:              deployment,
		Canary:                  canary,
		HorizontalPodAutoscaler: horizontalPodAutoscaler(p),
		PodDisruptionBudget:     podDisruptionBudget(p),
		EnvoyFilter:             envoyFilter(p),
		Certificate:             certificate(p),
		Gateway:                 istioGateway(p),
	}, nil
}

// List lists the objects in the order of their application: what pods need to start comes before them, and
// the Service early, because a load balancer takes minutes; what the cluster may not have the kind for comes last.
func (o Objects) List() []Object {
	var out []Object
	out = appendWanted(out, o.ServiceAccount)
	out = appendWanted(out, o.Role)
	out = appendWanted(out, o.RoleBinding)
	out = appendWanted(out, o.Service)
	for _, service := range o.LoadBalancers {
		out = append(out, service)
	}
	out = appendWanted(out, o.Deployment)
	out = appendWanted(out, o.Canary)
	out = appendWanted(out, o.HorizontalPodAutoscaler)
	out = appendWanted(out, o.PodDisruptionBudget)
	out = appendWanted(out, o.EnvoyFilter)
	out = appendWanted(out, o.Certificate)
	return appendWanted(out, o.Gateway)
}

// TemplateHash is the sha256 over the pod template, in hex; empty when there is no Deployment. Pods restart
// when it changes, and only then.
func (o Objects) TemplateHash() (string, error) {
	if o.Deployment == nil || o.Deployment.Spec == nil {
		return "", nil
	}
	// Structs keep their fields in order and maps are written sorted, so equal templates are equal bytes.
	raw, err := json.Marshal(o.Deployment.Spec.Template)
	if err != nil {
		return "", fmt.Errorf("writing the pod template as JSON: %w", err)
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:]), nil
}

// appendWanted appends an object unless it is nil. It is generic because a nil pointer of a concrete type
// is no longer nil once it is an Object.
func appendWanted[T any, P interface {
	*T
	Object
}](list []Object, object P) []Object {
	if object == nil {
		return list
	}
	return append(list, object)
}
