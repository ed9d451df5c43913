# METADATA
# title: Main
# description: >-
#   What the engine asks. It decides nothing: it collects what the rules say, so that a new rule is a new folder and
#   touches no other file. The rules of GatewayPolicies lie in data.own, and data.matching says which of these hold for
#   the gateway.
package main

# METADATA
# description: What is filled in, each with the rule that says so; the engine merges it and refuses contradictions.
mutate := {"fill": fill, "ensure": ensure}

# METADATA
# description: What is refused and what is warned of.
validate := {"deny": deny, "warn": warn}

fill contains {"rule": rule, "path": path, "value": value, "absent": absent} if {
	some rule
	some path, value in data.mutate[rule].fill
	absent := {written | some written in data.mutate[rule].absent}
}

ensure contains object.union({"rule": rule}, wanted) if {
	some rule
	some wanted in data.mutate[rule].ensure
}

fill contains {"rule": rule, "path": path, "value": value, "absent": absent} if {
	some policy in data.matching
	some rule
	some path, value in data.own[policy].mutate[rule].fill
	absent := {written | some written in data.own[policy].mutate[rule].absent}
}

ensure contains object.union(wanted, {"rule": rule}) if {
	some policy in data.matching
	some rule
	some wanted in data.own[policy].mutate[rule].ensure
}

# What is asked about. Rules judge the object as it shall be, and refuse what is absent from it. A deletion leaves no
# object: nothing of it may then count as absent, or nobody could delete a gateway. So a rule judges gateways alone,
# unless it says in judges what it judges.
subject := "approval" if input.approval

else := "gateway" if input.gateway

else := "deletion"

deny contains finding if {
	input.gateway
	some rule
	some finding in data.validate[rule].deny
	not data.validate[rule].judges
}

deny contains finding if {
	some rule
	data.validate[rule].judges[subject]
	some finding in data.validate[rule].deny
}

warn contains finding if {
	input.gateway
	some rule
	some finding in data.validate[rule].warn
	not data.validate[rule].judges
}

warn contains finding if {
	some rule
	data.validate[rule].judges[subject]
	some finding in data.validate[rule].warn
}

# What a rule of a GatewayPolicy finds, it finds in its own name, whatever it says.
deny contains object.union(finding, {"code": rule}) if {
	input.gateway
	some policy in data.matching
	some rule
	some finding in data.own[policy].validate[rule].deny
}

warn contains object.union(finding, {"code": rule}) if {
	input.gateway
	some policy in data.matching
	some rule
	some finding in data.own[policy].validate[rule].warn
}
