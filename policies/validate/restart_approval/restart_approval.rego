# METADATA
# title: Restart approval
# description: >-
#   A change that restarts a gateway's pods cuts every connection through them. It goes in when somebody other than its
#   author approved exactly this change, and never during a freeze.
# related_resources:
#   - ref: https://help.aliyun.com/en/asm/sidecar/crd-fields-for-an-asm-gateway
#     description: ASM gateway CRD reference, which fields restart gateway pods
#   - ref: https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#updating-a-deployment
#     description: Kubernetes, a Deployment replaces its pods when its pod template changes
# custom:
#   absent:
#     - change.effects.Restart.*
package validate.restart_approval

import data.lib.approval
import data.lib.freeze
import data.lib.person
import data.lib.refusal
import data.lib.result

parameters := data.parameters.restart_approval

deny contains finding if {
	input.change.effects.Restart[0]
	approval.lacks("Restart", parameters.approvers)
	finding := result.finding(rego.metadata.chain(), refusal.lacking("Restart", parameters.approvers, "restart every pod"))
}

deny contains finding if {
	input.change.effects.Restart[0]
	clusters := approval.affected("Restart")
	not approval.waived
	period := freeze.current(parameters.freezes)
	finding := result.finding(rego.metadata.chain(), {
		"field": refusal.field("Restart"),
		"message": sprintf("must wait until no freeze holds to restart every pod in %s, is in one: %s", [
			refusal.listed(clusters, data.parameters.approval.shown.clusters),
			period,
		]),
		"fix": after,
	})
}

after := "wait; it goes by itself after the freeze, with the same approvals" if approval.releasing

else := sprintf("do this again after the freeze; in an emergency, somebody of %s breaks the glass with the annotation %s", [
	concat(", ", sort(data.parameters.break_glass.groups)),
	approval.break_glass_annotation,
])

# Whoever may edit a gateway may label it, and an exempt gateway restarts unasked.
deny contains finding if {
	input.old
	approval.exempt(input.gateway)
	not approval.exempt(input.old)
	not person.asker_in(may_label)
	finding := result.finding(rego.metadata.chain(), {
		"field": "metadata.labels",
		"message": sprintf("must make no stored gateway exempt from approvals unless set by one of %s, is set by %s", [
			concat(", ", array.concat(["the groups in approval.exempt.labelledBy"], sort(may_label))),
			object.get(input, ["request", "user", "username"], "nobody"),
		]),
		"fix": "ask the platform team to set the label",
	})
}

# What the change does is always known but to a caller that did not look.
deny contains finding if {
	input.request.operation != "CREATE"
	not is_known
	finding := unknown
}

deny contains finding if {
	not input.request.operation
	finding := unknown
}

is_known if is_array(input.change.effects.Restart)

unknown := result.finding(rego.metadata.chain(), {
	"field": "spec",
	"message": "must be a change of which it is known what it restarts, is not",
	"fix": "ask again; the guard was asked without the change",
})

may_label := object.get(data.parameters.approval, ["exempt", "labelledBy"], [])
