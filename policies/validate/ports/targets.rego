package validate.ports

import data.lib.result

# METADATA
# description: The numbers that the ports lead to, by index.
targets := {i: number | some i, port in listed; number := target(port)}

deny contains finding if {
	count(targets) < count(listed)
	some i, port in listed
	not targets[i]
	finding := result.finding(rego.metadata.chain(), {
		"field": field(i),
		"message": sprintf("must be a number, is %v: the pods have no port of that name", [port.targetPort]),
		"fix": "write the number that the proxy is to listen on",
	})
}

deny contains finding if {
	reserved := parameters.reserved
	some i, number in targets
	number in reserved
	finding := result.finding(rego.metadata.chain(), {
		"field": field(i),
		"message": sprintf("must be free for traffic, is %d, which istio-proxy keeps to itself", [number]),
		"fix": "choose another target port",
	})
}

# Off its node's network every port is free to bind for every pod.
deny contains finding if {
	input.gateway.spec.hostNetwork
	not input.gateway.spec.runAsRoot
	some i, number in targets
	number < parameters.lowestUnprivileged
	finding := result.finding(rego.metadata.chain(), {
		"field": field(i),
		"message": sprintf("must be at least %d on the host's network for a proxy that is not root, is %d", [
			parameters.lowestUnprivileged,
			number,
		]),
		"fix": "choose a higher target port, or set spec.runAsRoot to true",
	})
}

warn contains finding if {
	some i, number in targets
	number == parameters.metrics
	count(public) > 0
	finding := result.finding(rego.metadata.chain(), {
		"field": field(i),
		"message": sprintf("must not lead to the metrics of a pod from a public load balancer, is %d in %s", [
			number,
			concat(", ", sort(public)),
		]),
		"fix": sprintf("remove the port, or set the annotation %s to %s", [
			parameters.addressType.keys[0],
			parameters.addressType.private,
		]),
	})
}

field(i) := sprintf("spec.ports[%d].targetPort", [i])
