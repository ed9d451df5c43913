# METADATA
# title: Labels that policies match
# description: >-
#   Whoever may edit a gateway may edit its labels. Where GatewayPolicies match by label, that would be a way around
#   them: take the label away, change what the policy refuses, put the label back. So labels that decide which policies
#   match are the platform team's to change.
# custom:
#   absent:
#     - policies.joined.*
#     - policies.left.*
#   sources:
#     - the match of GatewayPolicies
#   fix: leave these labels as they are, or have a platform team's member change them
package validate.policy_labels

import data.lib.result

deny contains finding if {
	some change in changes
	not by_platform_team
	finding := result.finding(rego.metadata.chain(), {"field": "metadata.labels", "message": change})
}

changes contains sprintf("must keep the gateway under GatewayPolicy %s, takes it out", [policy]) if {
	some policy in input.policies.left
}

changes contains sprintf("must keep the gateway from GatewayPolicy %s, brings it under that", [policy]) if {
	some policy in input.policies.joined
}

by_platform_team if {
	some group in input.request.user.groups
	group in data.parameters.policy_labels.groups
}
