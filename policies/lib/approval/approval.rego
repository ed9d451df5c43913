# METADATA
# title: Approval
# description: >-
#   Which approvals of the change at hand count, and what to say when they are too few. The four rules about approvals
#   share it, so that a restart and a lost address are approved the same way.
package lib.approval

import data.lib.person

parameters := data.parameters.approval

# METADATA
# description: The IDs of the clusters where the change has an effect.
affected(effect) := object.get(input, ["change", "effects", effect], [])

# METADATA
# description: >-
#   Whether an effect of the change lacks approvals. A gateway that is on its way out already was approved to go.
lacks(effect, needed) if {
	count(affected(effect)) > 0
	not input.old.metadata.deletionTimestamp
	not waived
	not enough(needed)
}

# METADATA
# description: Whether nobody has to approve the change.
waived if exempt(input.old)

waived if break_glass

# METADATA
# description: >-
#   Whether a gateway needs no approvals. Asked about the stored gateway: otherwise the change itself could say so.
exempt(gateway) if gateway.metadata.namespace in parameters.exempt.namespaces

exempt(gateway) if {
	some key, value in parameters.exempt.labels
	gateway.metadata.labels[key] == value
}

# METADATA
# description: The annotation by which somebody breaks the glass; it holds the reason.
break_glass_annotation := "portcullis.dev/break-glass"

# METADATA
# description: >-
#   Whether the glass is broken: by somebody of the group, with a reason that was written for this very change. A
#   deletion can write none, so there the stored one holds.
break_glass if {
	trim_space(break_glass_reason) != ""
	person.asker_in(data.parameters.break_glass.groups)
}

break_glass_reason := input.gateway.metadata.annotations[break_glass_annotation] if is_rewritten

break_glass_reason := input.old.metadata.annotations[break_glass_annotation] if not input.gateway

# METADATA
# description: Whether the change writes the reason, or a new one.
is_rewritten if {
	written := input.gateway.metadata.annotations[break_glass_annotation]
	written != object.get(input, ["old", "metadata", "annotations", break_glass_annotation], null)
}

# METADATA
# description: The approvals that count.
counted contains approval if {
	some approval in input.approvals
	not excluded(approval)
}

enough(needed) if needed < 1

# Counted by name and by UID: one person with two names, or with one name in two places, is one.
enough(needed) if {
	count({person.named(approval.approvedBy) | some approval in counted}) >= needed
	count({person.identity(approval.approvedBy) | some approval in counted}) >= needed
	accountable
}

# METADATA
# description: >-
#   Whether the controller asks if what it holds may go, an upgrade for example. That is nobody's change.
releasing if input.request.operation == "RELEASE"

# METADATA
# description: Whether it is known whose change it is; of what is nobody's, those who approve it answer for it.
accountable if releasing

accountable if {
	person.named(person.asker) != ""
	person.authentic(person.asker)
}

# METADATA
# description: Why an approval does not count.
excluded(approval) := states[approval.state]

excluded(approval) := "it is of a kind that this guard does not know" if {
	state := object.get(approval, "state", "absent")
	state != "Valid"
	not states[state]
}

excluded(approval) := reason if {
	approval.state == "Valid"
	reason := disqualified(object.get(approval, "approvedBy", {}))
}

states := {
	"Used": "it was used",
	"Expired": "it has expired",
	"NotYetValid": "it does not hold yet",
	"OtherChange": "it is for another change",
	"OtherGateway": "it is for an earlier gateway of this name",
}

disqualified(approver) := "it does not say by whom it is" if {
	not approver.username
} else := "it is by the author of the change" if {
	person.same(approver, person.asker)
}

else := reason if reason := unfit(approver)

# METADATA
# description: Why somebody may approve nothing at all.
unfit(approver) := "it is by a service account" if {
	person.is_service_account(approver)
	not parameters.serviceAccounts
}

else := "it is by somebody whose credential the API server does not know, as one who is impersonated" if {
	not person.authentic(approver)
}

else := sprintf("it is by somebody outside %s", [concat(", ", sort(parameters.groups))]) if {
	count(parameters.groups) > 0
	not person.in_group(object.get(approver, "groups", []), parameters.groups)
}
