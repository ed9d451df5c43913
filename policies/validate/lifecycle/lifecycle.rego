# METADATA
# title: Lifecycle
# description: >-
#   A readiness probe whose numbers cannot be met keeps every new pod out of service, and a hook that takes the time in
#   which a pod is to drain cuts its connections.
# related_resources:
#   - ref: https://kubernetes.io/docs/concepts/containers/container-lifecycle-hooks/
#     description: Kubernetes, Container Lifecycle Hooks, how hooks count against the grace period
#   - ref: https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#progress-deadline-seconds
#     description: Kubernetes, Deployments, progress deadline
# custom:
#   absent:
#     - clusters.*.facts.kubernetesVersion
#     - gateway.spec.lifecycle.**
#     - gateway.spec.readinessProbe.*
package validate.lifecycle

import data.lib.result

parameters := data.parameters.lifecycle

deny contains finding if {
	some number, written in input.gateway.spec.readinessProbe
	not is_positive(written)
	finding := result.finding(rego.metadata.chain(), {
		"field": sprintf("spec.readinessProbe.%s", [number]),
		"message": sprintf("must be at least 1 for the probe to mean anything, is %v", [written]),
		"fix": "raise it, or leave it out",
	})
}

deny contains finding if {
	input.gateway.spec.readinessProbe
	seconds := probed_for("successThreshold")
	seconds > parameters.rolloutSeconds
	finding := result.finding(rego.metadata.chain(), {
		"field": "spec.readinessProbe.successThreshold",
		"message": sprintf("must be met within the %d seconds that a rollout waits for a pod, takes %d", [parameters.rolloutSeconds, seconds]),
		"fix": "lower it or periodSeconds",
	})
}

warn contains finding if {
	input.gateway.spec.readinessProbe
	seconds := probed_for("failureThreshold")
	seconds > parameters.outageSeconds
	finding := result.finding(rego.metadata.chain(), {
		"field": "spec.readinessProbe.failureThreshold",
		"message": sprintf("must take a pod that does not serve out within %d seconds, takes %d", [parameters.outageSeconds, seconds]),
		"fix": "lower it or periodSeconds",
	})
}

# How long it takes until a threshold is reached. What nobody writes is as Kubernetes gets it from us.
probed_for(threshold) := probe[threshold] * probe.periodSeconds if {
	is_object(input.gateway.spec.readinessProbe)
	every _, number in probe { is_positive(number) }
}

probe := object.union(parameters.readinessProbe, input.gateway.spec.readinessProbe)

is_positive(number) if {
	is_number(number)
	number >= 1
}
