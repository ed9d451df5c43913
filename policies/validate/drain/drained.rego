package validate.drain

import data.lib.drain
import data.lib.gateway

# METADATA
# description: The Service annotation that turns a load balancer's draining on.
switch := "service.beta.kubernetes.io/alibaba-cloud-loadbalancer-connection-drain"

# The mesh versions where the gateway runs; where no cluster is known, that of the mesh.
releases contains gateway.mesh_version(id) if some id in gateway.clusters

releases contains gateway.lowest_mesh_version if count(gateway.clusters) == 0

is_within(seconds) if {
	seconds >= parameters.fewestSeconds
	seconds <= parameters.mostSeconds
}

# What is no known other type is a load balancer, which is the default.
is_balanced(id) if not is_unbounded(id)

is_unbounded(id) if input.clusters[id].effective.serviceType in parameters.unbounded

# The times that are written for a load balancer, by where.
balancer_times["spec"] := input.gateway.spec.serviceAnnotations[timeout]

balancer_times[place] := written if {
	gateway.overridden.serviceAnnotations[timeout]
	some id, override in gateway.overrides
	written := override.serviceAnnotations[timeout]
	place := sprintf("spec.overrides.%s", [id])
}

timeout := sprintf("%s-timeout", [switch])

is_survived(written) if drain.whole(written) <= drain.grace

# Empty takes the annotation of the spec away for a cluster.
is_survived("")
