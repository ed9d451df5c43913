package validate.lifecycle

import data.lib.drain
import data.lib.gateway
import data.lib.result
import data.lib.version

# METADATA
# description: The hooks of the proxy container.
deny contains finding if {
	some name, hook in input.gateway.spec.lifecycle
	hook.tcpSocket
	finding := result.finding(rego.metadata.chain(), {
		"field": sprintf("spec.lifecycle.%s.tcpSocket", [name]),
		"message": "must be exec, httpGet or sleep, is tcpSocket: kubelets run no such hook",
		"fix": "use one of the others, or remove the hook",
	})
}

deny contains finding if {
	some name, hook in input.gateway.spec.lifecycle
	hook.sleep
	before := [id |
		some id in gateway.clusters
		release := input.clusters[id].facts.kubernetesVersion
		not version.at_least(release, parameters.sleepSince)
	]
	count(before) > 0
	finding := result.finding(rego.metadata.chain(), {
		"field": sprintf("spec.lifecycle.%s.sleep", [name]),
		"message": sprintf("must be on Kubernetes %s or later, is on an earlier one in %s", [parameters.sleepSince, concat(", ", before)]),
		"fix": "use exec with the command sleep",
	})
}

# A hook that runs when the time is over is killed with the proxy, which then has not drained at all.
deny contains finding if {
	input.gateway.spec.lifecycle.preStop.exec
	slept >= drain.grace
	finding := result.finding(rego.metadata.chain(), {
		"field": "spec.lifecycle.preStop.exec.command",
		"message": sprintf("must end before the %d seconds that pods have to stop, sleeps %d", [drain.grace, slept]),
		"fix": advice,
	})
}

warn contains finding if {
	input.gateway.spec.lifecycle.preStop.exec
	slept < drain.grace
	left := drain.grace - slept
	left < drain.seconds
	finding := result.finding(rego.metadata.chain(), {
		"field": "spec.lifecycle.preStop.exec.command",
		"message": sprintf("must leave pods the %d seconds that they drain, leaves %d", [drain.seconds, left]),
		"fix": advice,
	})
}

advice := "use preStop.sleep, which gives pods as much longer; a command's time is not known"

# The seconds that a stopping pod's command is seen to sleep.
slept := sum([to_number(number) | some [_, number] in naps]) if {
	command := concat(" ", [word | some word in input.gateway.spec.lifecycle.preStop.exec.command])
	naps := regex.find_all_string_submatch_n(`\bsleep ([1-9][0-9]{0,8})\b`, command, -1)
}
