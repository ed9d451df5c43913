package validate.ports

import data.lib.result

# METADATA
# description: >-
#   Kubernetes tells by number or by name that a port is the one that it gave a node port to. When both change at once it
#   gives another, and whoever forwards to the old one loses the way.
deny contains finding if {
	input.old.spec.ports != listed
	has_node_ports(input.old)
	has_node_ports(input.gateway)
	some i, port in added
	some j, old in removed
	is_successor([i, port], [j, old])
	finding := result.finding(rego.metadata.chain(), {
		"field": sprintf("spec.ports[%d].name", [i]),
		"message": sprintf("must stay %v while the number changes from %v to %v, is %v: its node port would be lost", [
			old.name,
			old.port,
			port.port,
			port.name,
		]),
		"fix": "change the number first and the name later, or add the new port before removing the old one",
	})
}

has_node_ports(gw) if not gw.spec.serviceType == "ClusterIP"

# The ports that have neither their number nor their name in the other version; one with a node port that its author
# chose has nothing to lose.
added := {i: port |
	some i, port in listed
	object.get(port, "nodePort", 0) == 0
	not is_among(port, input.old.spec.ports)
}

removed := {j: port | some j, port in input.old.spec.ports; not is_among(port, listed)}

is_among(port, others) if {
	some other in others
	other.port == port.port
}

is_among(port, others) if {
	some other in others
	other.name == port.name
}

# The same port by what it leads to, or by its place.
is_successor([_, port], [_, old]) if target(port) == target(old)

is_successor([i, _], [i, _])
