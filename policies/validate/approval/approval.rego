# METADATA
# title: Approval
# description: >-
#   An approval lets one exact change of one gateway in. It is good for nothing unless it says truly what is approved,
#   by whom and until when.
# related_resources:
#   - ref: https://kubernetes.io/docs/reference/access-authn-authz/authorization/#checking-api-access
#     description: Kubernetes, SubjectAccessReview, by which the verb approve is asked for
#   - ref: https://kubernetes.io/docs/reference/access-authn-authz/authentication/#user-impersonation
#     description: Kubernetes, user impersonation, which admission sees as the impersonated user
package validate.approval

import data.lib.approval
import data.lib.person
import data.lib.result

parameters := data.parameters.approval

judges := {"approval"}

spec := object.get(input, ["approval", "spec"], {})

username := object.get(person.asker, "username", "nobody")

# Every rule is asked about gateways too, far more often. Of those there is nothing to say.
deny contains finding if {
	not input.gateway
	some finding in wrong
}

wrong contains finding if {
	not input.found.gatewayUID
	finding := result.finding(rego.metadata.chain(), {
		"field": "spec.gatewayName",
		"message": sprintf("must be a gateway of the approval's namespace, is %v", [object.get(spec, "gatewayName", "absent")]),
		"fix": "list the gateways with kubectl get igw",
	})
}

wrong contains finding if {
	found := input.found.gatewayUID
	object.get(spec, "gatewayUID", "") != found
	finding := result.finding(rego.metadata.chain(), {
		"field": "spec.gatewayUID",
		"message": sprintf("must be that of the gateway, %s, is %v", [found, object.get(spec, "gatewayUID", "absent")]),
		"fix": again,
	})
}

wrong contains finding if {
	count(object.get(spec, "changes", [])) == 0
	finding := result.finding(rego.metadata.chain(), {
		"field": "spec.changes",
		"message": "must be the changes that the approver saw, is empty",
		"fix": approve,
	})
}

wrong contains finding if {
	count(object.get(spec, "changes", [])) > 0
	is := object.get(spec, "digest", "absent")
	must := object.get(input, ["found", "digest"], "unknown")
	is != must
	finding := result.finding(rego.metadata.chain(), {
		"field": "spec.digest",
		"message": sprintf("must be that of spec.changes for this gateway, %s, is %s", [must, is]),
		"fix": approve,
	})
}

wrong contains finding if {
	not input.found.allowed
	finding := result.finding(rego.metadata.chain(), {
		"field": "spec.approvedBy",
		"message": sprintf("must be allowed the verb approve on istiogateways %v, is not: %s%s", [
			object.get(spec, "gatewayName", "of some name"),
			username,
			because(object.get(input, ["found", "reason"], "")),
		]),
		"fix": "ask the platform team for a role with the verb approve on this gateway",
	})
}

wrong contains finding if {
	not is_by(object.get(spec, "approvedBy", {}))
	finding := result.finding(rego.metadata.chain(), {
		"field": "spec.approvedBy",
		"message": sprintf("must be who makes the approval, %s, is not", [username]),
		"fix": again,
	})
}

wrong contains finding if {
	reason := approval.unfit(person.asker)
	finding := result.finding(rego.metadata.chain(), {
		"field": "spec.approvedBy",
		"message": sprintf("must be somebody who may approve, is %s: %s", [username, reason]),
		"fix": "let somebody else approve; who may is in the parameters of approval",
	})
}

wrong contains finding if {
	trim_space(object.get(spec, "reason", "")) == ""
	finding := result.finding(rego.metadata.chain(), {
		"field": "spec.reason",
		"message": "must say why the change may go in, is empty",
		"fix": "write the reason",
	})
}

wrong contains finding if {
	not is_window
	finding := result.finding(rego.metadata.chain(), {
		"field": "spec.notAfter",
		"message": sprintf("must be after notBefore and after now, is %v", [object.get(spec, "notAfter", "absent")]),
		"fix": "choose a later time",
	})
}

wrong contains finding if {
	ends := time.parse_rfc3339_ns(spec.notAfter)
	ends > time.parse_rfc3339_ns(input.now) + time.parse_duration_ns(parameters.longest)
	finding := result.finding(rego.metadata.chain(), {
		"field": "spec.notAfter",
		"message": sprintf("must be at most %s from now, is %s", [parameters.longest, spec.notAfter]),
		"fix": "choose an earlier time",
	})
}

# The groups too: they say whether an approval counts when it is used.
is_by(approver) if {
	person.named(approver) == person.named(person.asker)
	object.get(approver, "uid", "") == object.get(person.asker, "uid", "")
	object.get(approver, "credentialId", "") == object.get(person.asker, "credentialId", "")
	{group | some group in approver.groups} == {group | some group in person.asker.groups}
}

is_window if {
	starts := time.parse_rfc3339_ns(spec.notBefore)
	ends := time.parse_rfc3339_ns(spec.notAfter)
	ends > starts
	ends > time.parse_rfc3339_ns(input.now)
}

because("") := ""

because(reason) := sprintf(" (%s)", [reason]) if reason != ""

approve := "approve with kubectl portcullis approve, which shows the changes first"

again := "try again; the guard sets it itself"
