package validate.ports

import data.lib.gateway
import data.lib.ports

# METADATA
# description: >-
#   What Kubernetes holds unique in a Service, and where it stands. HTTP and TCP on one port are two entries in the
#   gateway and one in the Service.
taken[["name", port.name]] contains i if {
	some i, port in listed
	port.name != ""
}

taken[["port", sprintf("%v over %s", [port.port, transport(object.get(port, "protocol", ""))])]] contains i if {
	some i, port in listed
}

# Mostly not: this is cheaper to know than where everything stands.
may_repeat if count(named) < count(listed)

may_repeat if count({port.port | some port in listed}) < count(listed)

named := {port.name | some port in listed} - {""}

# The number that a port leads to, mostly written as such; a name is that of a port of the pods.
target(port) := port.targetPort if {
	is_number(port.targetPort)
	port.targetPort != 0
} else := number if {
	number := ports.target(port)
	is_number(number)
}

else := parameters.named[ports.target(port)]

# The clusters where everybody reaches the load balancer: it is public unless it is marked otherwise.
public := (gateway.clusters & balanced) - private

balanced := {id | input.clusters[id].effective.serviceType == "LoadBalancer"}

private contains id if {
	some key in parameters.addressType.keys
	some id
	input.clusters[id].effective.serviceAnnotations[key] == parameters.addressType.private
}
