# METADATA
# title: Drain
# description: >-
#   Connections that have not ended when draining ends are cut. A time that the load balancer refuses, or that is longer
#   than the pods live, drains nothing and looks as if it did.
# related_resources:
#   - ref: https://help.aliyun.com/document_detail/428859.htm
#     description: Graceful shutdown of ASM gateways, gateway-drain-timeout-seconds and connection-drain-timeout
# custom:
#   absent:
#     - gateway.metadata.annotations.asm.alibabacloud.com/gateway-drain-timeout-seconds
#     - gateway.spec.serviceAnnotations.*
package validate.drain

import data.lib.drain
import data.lib.gateway
import data.lib.result
import data.lib.version

parameters := data.parameters.drain

field := sprintf("metadata.annotations.%s", [drain.annotation])

deny contains finding if {
	drain.asked
	not drain.whole(drain.asked)
	finding := result.finding(rego.metadata.chain(), {
		"field": field,
		"message": sprintf("must be a whole number of seconds above 0, is %v", [drain.asked]),
		"fix": "write the number alone, in quotes, such as '30'",
	})
}

deny contains finding if {
	drain.asked
	some release in releases
	not version.at_least(release, parameters.lowestMesh)
	finding := result.finding(rego.metadata.chain(), {
		"field": field,
		"message": sprintf("must be on mesh %s or later, is on %s", [parameters.lowestMesh, release]),
		"fix": sprintf("update the mesh, or set the service annotations %s: 'on' and %s-timeout", [switch, switch]),
	})
}

deny contains finding if {
	seconds := drain.whole(drain.asked)
	not is_within(seconds)
	some id in gateway.clusters
	is_balanced(id)
	finding := result.finding(rego.metadata.chain(), {
		"field": field,
		"message": sprintf("must be between %d and %d seconds behind a load balancer, is %d", [
			parameters.fewestSeconds,
			parameters.mostSeconds,
			seconds,
		]),
		"fix": "choose a time between them",
	})
}

# The load balancer's own draining, which wins over ours on the Service.
deny contains finding if {
	some place, written in balancer_times
	not is_survived(written)
	finding := result.finding(rego.metadata.chain(), {
		"field": sprintf("%s.serviceAnnotations.%s-timeout", [place, switch]),
		"message": sprintf("must be at most the %d seconds that pods have to stop, is %v", [drain.grace, written]),
		"fix": sprintf("lower it, or raise the annotation %s", [drain.annotation]),
	})
}
