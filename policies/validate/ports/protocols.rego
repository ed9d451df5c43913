package validate.ports

import data.lib.gateway
import data.lib.result
import data.lib.version
import data.lib.words

# METADATA
# description: A protocol that runs over no known transport cannot be a port of a Service.
deny contains finding if {
	some protocol in protocols
	not transport(protocol)
	some i, port in listed
	port.protocol == protocol
	finding := result.finding(rego.metadata.chain(), {
		"field": sprintf("spec.ports[%d].protocol", [i]),
		"message": sprintf("must be %s, is %v", [words.one_of(object.keys(parameters.transports)), protocol]),
		"fix": "use TCP where none of them is what runs on the port",
	})
}

deny contains finding if {
	some protocol in (protocols - {"TCP"})
	some release in {gateway.mesh_version(id) | some id in gateway.clusters}
	not version.at_least(release, parameters.protocolsSince)
	some i, port in listed
	port.protocol == protocol
	finding := result.finding(rego.metadata.chain(), {
		"field": sprintf("spec.ports[%d].protocol", [i]),
		"message": sprintf("must be TCP before mesh %s, is %v; the mesh is on %s", [parameters.protocolsSince, protocol, release]),
		"fix": "use TCP, or update the mesh",
	})
}

# Absent and empty mean TCP, as mutate/port_targets fills in.
protocols := {port.protocol | some port in listed} - {""}

transport(protocol) := parameters.transports[upper(protocol)] if is_string(protocol)

transport("") := "TCP"
