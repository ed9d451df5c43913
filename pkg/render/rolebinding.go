package render

import (
	rbacv1 "k8s.io/api/rbac/v1"
	rbacv1ac "k8s.io/client-go/applyconfigurations/rbac/v1"

	"portcullis.dev/portcullis/pkg/gateway"
)

// roleBinding gives a gateway's role to its identity. A binding's role cannot be changed afterwards, so it
// follows from the gateway's name alone.
func roleBinding(p gateway.Placed) *rbacv1ac.RoleBindingApplyConfiguration {
	name := gateway.ObjectName(p.Name)
	return rbacv1ac.RoleBinding(name, p.Namespace).
		WithLabels(objectLabels(p)).
		WithRoleRef(rbacv1ac.RoleRef().
			WithAPIGroup(rbacv1.GroupName).
			WithKind("Role").
			WithName(name)).
		WithSubjects(rbacv1ac.Subject().
			WithKind(rbacv1.ServiceAccountKind).
			WithName(name).
			WithNamespace(p.Namespace))
}
