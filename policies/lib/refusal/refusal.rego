# METADATA
# title: Refusal
# description: What the author of a change that lacks approvals reads, short enough for one line at a terminal.
package lib.refusal

import data.lib.approval
import data.lib.person

shown := data.parameters.approval.shown

# METADATA
# description: The finding for an effect of the change, given what it does as a verb (restart every pod).
lacking(effect, needed, deed) := {
	"field": field(effect),
	"message": sprintf("must be approved by %s, as %s in %s, is %s; digest %s%s", [
		others(needed),
		does(effect, deed),
		listed(approval.affected(effect), shown.clusters),
		standing,
		object.get(input, ["change", "digest"], ""),
		excluded,
	]),
	"fix": command,
}

# METADATA
# description: The first field that has the effect; of a deletion, the gateway.
field(effect) := causes(effect)[0].path if {
	input.gateway
	count(causes(effect)) > 0
} else := "spec" if input.gateway

else := "metadata.name"

causes(effect) := [change | some change in input.change.changes; effect in change.effects]

others(1) := "somebody" if approval.releasing

else := sprintf("somebody other than %s", [author])

others(needed) := sprintf("%d people", [needed]) if {
	approval.releasing
	needed != 1
} else := sprintf("%d others than %s", [needed, author]) if needed != 1

author := person.asker.username if person.asker.username != ""

else := "its author"

# METADATA
# description: What has the effect, and the effect, as the rest of a sentence.
does(_, deed) := sprintf("deleting it %s", [third(deed)]) if not input.gateway

does(effect, deed) := sprintf("%s %s", [values(causes(effect)[0]), third(deed)]) if {
	input.gateway
	count(causes(effect)) == 1
}

does(effect, deed) := sprintf("it %s", [third(deed)]) if {
	input.gateway
	count(causes(effect)) == 0
}

does(effect, deed) := sprintf("%s %s", [listed(changes, shown.fields), deed]) if {
	input.gateway
	count(causes(effect)) > 1
	changes := [sprintf("%s: %s", [change.path, values(change)]) | some change in causes(effect)]
}

third(deed) := regex.replace(deed, `^(\w+)`, "${1}s")

values(change) := sprintf("%s -> %s", [value(change, "before"), value(change, "after")])

value(change, side) := shortened(json.marshal(change[side])) if side in object.keys(change)

else := "(not set)"

shortened(text) := text if count(text) <= shown.characters

else := sprintf("%s…", [substring(text, 0, shown.characters - 1)])

# METADATA
# description: Some words, and how many more there are.
listed(words, most) := concat(", ", words) if count(words) <= most

listed(words, most) := sprintf("%s and %d more", [concat(", ", array.slice(words, 0, most)), count(words) - most]) if {
	count(words) > most
}

standing := sprintf("by %s alone", [concat(", ", sort(names))]) if {
	names := {approved.approvedBy.username | some approved in approval.counted}
	count(names) > 0
} else := "not"

# Why the approvals that there are do not count, those of this change first: of the others there can be years.
excluded := sprintf("; %s", [listed(reasons, shown.approvals)]) if count(reasons) > 0

else := ""

reasons := array.concat(
	author_unknown,
	array.concat(
		[reason(one) | some one in input.approvals; one.matches],
		[reason(one) | some one in input.approvals; not one.matches],
	),
)

reason(one) := sprintf("%s does not count: %s", [one.name, approval.excluded(one)])

author_unknown := ["none counts for one whose credential the API server does not know, as one who is impersonated"] if {
	count(approval.counted) > 0
	not approval.accountable
} else := []

# METADATA
# description: How to ask for an approval.
command := sprintf("somebody else runs kubectl portcullis rollout -n %s %s --reason WHY", [
	object.get(input, ["request", "namespace"], "NAMESPACE"),
	object.get(input, ["request", "name"], "NAME"),
]) if approval.releasing

else := sprintf("somebody else runs kubectl portcullis approve -n %s %s --reason WHY; then do this again", [
	object.get(input, ["request", "namespace"], "NAMESPACE"),
	what,
])

what := "-f FILE" if input.gateway

else := sprintf("--delete %s", [object.get(input, ["request", "name"], "NAME")])
