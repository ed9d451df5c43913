// Package fence closes the back door: it makes the policy by which a cluster's own API server refuses that anybody but
// the controller, and the cluster's own machinery, changes or deletes a gateway's Deployment or Service. It is pure: a
// value in, a value out.
package fence

import (
	"fmt"
	"strconv"
	"strings"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	admissionregistrationv1ac "k8s.io/client-go/applyconfigurations/admissionregistration/v1"
	metav1ac "k8s.io/client-go/applyconfigurations/meta/v1"

	"portcullis.dev/portcullis/pkg/render"
)

// Name is that of the policy and of its binding.
const Name = "portcullis-back-door"

// AuditEmergency is the key of the audit annotation that says what somebody of the emergency group did. The API server
// writes it as <Name>/<AuditEmergency>.
const AuditEmergency = "emergency"

// Options say who may pass.
type Options struct {
	// Controller is the user that the controller is in the cluster.
	Controller string
	// CloudControllers are the users of controllers that bring load balancers about, where these run outside of
	// kube-system.
	CloudControllers []string
	// EmergencyGroup is a group whose users may pass, which the audit log then tells; none when it is empty.
	EmergencyGroup string
}

// Object is one object of the fence.
type Object interface {
	runtime.ApplyConfiguration
	GetKind() *string
}

// Objects are the policy and its binding, in the order of their application.
func Objects(o Options) []Object {
	return []Object{policy(o), binding()}
}

// policy refuses what nobody outside may do.
func policy(o Options) *admissionregistrationv1ac.ValidatingAdmissionPolicyApplyConfiguration {
	return admissionregistrationv1ac.ValidatingAdmissionPolicy(Name).
		WithLabels(labels()).
		WithSpec(admissionregistrationv1ac.ValidatingAdmissionPolicySpec().
			WithFailurePolicy(admissionregistrationv1.Fail).
			WithMatchConstraints(constraints()).
			WithVariables(
				variable("machinery", machinery(o)),
				variable("emergency", emergency(o)),
				variable("gateway", gatewayName),
				variable("harmless", harmless),
			).
			WithValidations(admissionregistrationv1ac.Validation().
				WithExpression("variables.machinery || variables.emergency || variables.harmless").
				WithReason(metav1.StatusReasonForbidden).
				WithMessageExpression(message)).
			WithAuditAnnotations(admissionregistrationv1ac.AuditAnnotation().
				WithKey(AuditEmergency).
				WithValueExpression(record)))
}

// binding puts the policy in force, everywhere in the cluster.
func binding() *admissionregistrationv1ac.ValidatingAdmissionPolicyBindingApplyConfiguration {
	return admissionregistrationv1ac.ValidatingAdmissionPolicyBinding(Name).
		WithLabels(labels()).
		WithSpec(admissionregistrationv1ac.ValidatingAdmissionPolicyBindingSpec().
			WithPolicyName(Name).
			WithValidationActions(admissionregistrationv1.Deny))
}

// constraints match what gateways are made of. A selector matches if the object before or after does, so taking the
// label away is matched. Subresources are not named: scale belongs to autoscalers, status to the cluster.
func constraints() *admissionregistrationv1ac.MatchResourcesApplyConfiguration {
	return admissionregistrationv1ac.MatchResources().
		WithMatchPolicy(admissionregistrationv1.Equivalent).
		// The default, like the scope of the rules: what is stated and what is stored are the same, and need no writing.
		WithNamespaceSelector(metav1ac.LabelSelector()).
		WithObjectSelector(metav1ac.LabelSelector().WithMatchExpressions(
			metav1ac.LabelSelectorRequirement().WithKey(render.LabelGateway).WithOperator(metav1.LabelSelectorOpExists))).
		WithResourceRules(rule("apps", "deployments"), rule("", "services"))
}

// rule matches changes and deletions of one resource.
func rule(group, resource string) *admissionregistrationv1ac.NamedRuleWithOperationsApplyConfiguration {
	return admissionregistrationv1ac.NamedRuleWithOperations().
		WithOperations(admissionregistrationv1.Update, admissionregistrationv1.Delete).
		WithAPIGroups(group).WithAPIVersions("v1").WithResources(resource).WithScope(admissionregistrationv1.AllScopes)
}

// labels mark what is ours.
func labels() map[string]string {
	return map[string]string{"app.kubernetes.io/managed-by": "portcullis"}
}

// variable names an expression.
func variable(name, expression string) *admissionregistrationv1ac.VariableApplyConfiguration {
	return admissionregistrationv1ac.Variable().WithName(name).WithExpression(expression)
}

// machinery says whether the controller asks, or the cluster's own machinery: the controllers of Deployments, Services,
// garbage and namespaces, as one user or each as its own.
func machinery(o Options) string {
	users := append([]string{o.Controller, "system:kube-controller-manager", "system:cloud-controller-manager"}, o.CloudControllers...)
	quoted := make([]string, len(users))
	for i, user := range users {
		quoted[i] = strconv.Quote(user)
	}
	return fmt.Sprintf(`request.userInfo.username in [%s] || request.userInfo.username.startsWith("system:serviceaccount:kube-system:")`, strings.Join(quoted, ", "))
}

// emergency says whether somebody of the emergency group asks.
func emergency(o Options) string {
	if o.EmergencyGroup == "" {
		return "false"
	}
	return strconv.Quote(o.EmergencyGroup) + " in request.userInfo.?groups.orValue([])"
}

const (
	// gatewayName is the gateway that the object belongs to. Every request that is matched has an old object.
	gatewayName = `oldObject.metadata.?labels[?"` + render.LabelGateway + `"].orValue("")`
	// harmless says whether a change leaves alone all that decides what runs: the spec, whose the object is, who collects
	// it as garbage, and annotations, of which controllers of load balancers and ours make much. Annotations and labels
	// of a Deployment that are not ours are free: nothing reads them.
	harmless = `request.operation == "UPDATE" && object.?spec == oldObject.?spec && ` +
		`object.metadata.?ownerReferences == oldObject.metadata.?ownerReferences && ` +
		`object.metadata.?labels.orValue({}).all(k, !k.startsWith("portcullis.dev/") || oldObject.metadata.?labels[?k].orValue("") == object.metadata.labels[k]) && ` +
		`oldObject.metadata.?labels.orValue({}).all(k, !k.startsWith("portcullis.dev/") || object.metadata.?labels[?k].orValue("") == oldObject.metadata.labels[k]) && ` +
		`object.metadata.?annotations.orValue({}).all(k, (request.kind.kind == "Deployment" && !k.startsWith("portcullis.dev/")) || oldObject.metadata.?annotations[?k].orValue("") == object.metadata.annotations[k]) && ` +
		`oldObject.metadata.?annotations.orValue({}).all(k, (request.kind.kind == "Deployment" && !k.startsWith("portcullis.dev/")) || object.metadata.?annotations[?k].orValue("") == oldObject.metadata.annotations[k])`
	// message says what to do instead.
	message = `request.kind.kind + " " + oldObject.metadata.name + " is made by IstioGateway " + variables.gateway + ": change that instead (" + ` +
		`(request.operation == "DELETE" ? "kubectl delete" : "kubectl edit") + " istiogateway " + variables.gateway + " -n " + request.namespace + ")"`
	// record tells what an emergency let through; an empty text records nothing.
	record = `variables.emergency && !variables.machinery && !variables.harmless ? ` +
		`request.userInfo.username + " " + request.operation + " " + request.kind.kind + " " + request.namespace + "/" + oldObject.metadata.name + " of IstioGateway " + variables.gateway : ""`
)
