# METADATA
# title: Ports
# description: Where a gateway's ports lead to.
package lib.ports

# METADATA
# description: >-
#   The targets of the ports, by their place in the list. A target of 0 and none are the port's own number; a name stays
#   a name.
targets := {i: target(port) | some i, port in input.gateway.spec.ports}

target(port) := port.targetPort if {
	port.targetPort != 0
	port.targetPort != ""
}

else := port.port
