# METADATA
# title: Break glass
# description: >-
#   In an emergency there may be nobody to approve. Somebody of a group may then do without, and says why in an
#   annotation; that is warned of and lies in the audit log.
# custom:
#   sources:
#     - The four-eyes principle, and what is done in an emergency when there are only two
package validate.break_glass

import data.lib.approval
import data.lib.person
import data.lib.result

parameters := data.parameters.break_glass

judges := {"gateway", "deletion"}

field := sprintf("metadata.annotations.%s", [approval.break_glass_annotation])

deny contains finding if {
	approval.is_rewritten
	not person.asker_in(parameters.groups)
	finding := result.finding(rego.metadata.chain(), {
		"field": field,
		"message": sprintf("must be written by somebody of %s, is by %s", [
			concat(", ", sort(parameters.groups)),
			object.get(input, ["request", "user", "username"], "nobody"),
		]),
		"fix": "remove it, and ask for an approval",
	})
}

deny contains finding if {
	approval.is_rewritten
	trim_space(input.gateway.metadata.annotations[approval.break_glass_annotation]) == ""
	finding := result.finding(rego.metadata.chain(), {
		"field": field,
		"message": "must say why no approval can be waited for, is empty",
		"fix": "write the reason, or remove it",
	})
}

warn contains finding if {
	approval.break_glass
	effects := [sprintf("%s in %s", [effect, concat(", ", clusters)]) |
		some effect in ["AddressLoss", "Restart"]
		clusters := approval.affected(effect)
		count(clusters) > 0
	]
	count(effects) > 0
	finding := result.finding(rego.metadata.chain(), {
		"field": field,
		"message": sprintf("must be the exception, is used by %s for %s: %s", [
			input.request.user.username,
			concat(" and ", effects),
			approval.break_glass_reason,
		]),
		"fix": "remove it when the emergency is over, and tell those who approve",
	})
}
