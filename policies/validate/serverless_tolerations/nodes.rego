package validate.serverless_tolerations

import data.lib.virtual

# METADATA
# description: Where a gateway states the nodes that it must run on.
affinity_field := "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution"

# The fields that no machine meets.
virtual_fields contains "spec.nodeSelector" if virtual.selected

virtual_fields contains affinity_field if {
	input.gateway.spec.affinity.nodeAffinity
	count(virtual.required_terms) > 0
	every term in virtual.required_terms { takes_virtual_nodes_only(term) }
}

# The fields that no virtual node meets.
machine_fields contains "spec.nodeSelector" if input.gateway.spec.nodeSelector[label.key] != label.value

machine_fields contains affinity_field if {
	input.gateway.spec.affinity.nodeAffinity
	count(virtual.required_terms) > 0
	every term in virtual.required_terms { keeps_off_virtual_nodes(term) }
}

takes_virtual_nodes_only(term) if {
	some expression in term.matchExpressions
	expression.key == label.key
	expression.operator == "In"
	every value in expression.values { value == label.value }
}

keeps_off_virtual_nodes(term) if {
	some expression in term.matchExpressions
	expression.key == label.key
	excludes(expression)
}

excludes(expression) if expression.operator == "DoesNotExist"

excludes(expression) if {
	expression.operator == "NotIn"
	label.value in expression.values
}

excludes(expression) if {
	expression.operator == "In"
	not label.value in expression.values
}

# Tolerated by an equal or a broader toleration.
is_tolerated if {
	some written in input.gateway.spec.tolerations
	object.get(written, "effect", "") in {"", toleration.effect}
	is_matched(written)
}

is_matched(written) if {
	written.operator == "Exists"
	object.get(written, "key", "") in {"", toleration.key}
}

is_matched(written) if {
	object.get(written, "operator", "") in {"", "Equal"}
	written.key == toleration.key
	written.value == toleration.value
}
