package render

import (
	rbacv1ac "k8s.io/client-go/applyconfigurations/rbac/v1"

	"portcullis.dev/portcullis/pkg/gateway"
)

// role lets a gateway read the Secrets of its namespace. The pods never ask for them: the control plane asks,
// with a SubjectAccessReview in the gateway's name, before it hands out the certificate that an Istio Gateway
// names in credentialName.
func role(p gateway.Placed) *rbacv1ac.RoleApplyConfiguration {
	return rbacv1ac.Role(gateway.ObjectName(p.Name), p.Namespace).
		WithLabels(objectLabels(p)).
		WithRules(rbacv1ac.PolicyRule().
			WithAPIGroups("").
			WithResources("secrets").
			// The control plane's review asks for list; Istio's own chart grants the others with it.
			WithVerbs("get", "watch", "list"))
}
