# METADATA
# title: Scaling
# description: How many pods a gateway has in a cluster, and where that is written.
package lib.scaling

import data.lib.gateway
import data.lib.replicas

# METADATA
# description: >-
#   The fewest pods that the gateway has in a cluster, and the path of the field that says so; undefined when somebody
#   else counts.
fewest(id) := {"field": path(id, least.field), "pods": least.pods} if {
	least := replicas.fewest(input.clusters[id].effective)
}

# METADATA
# description: The most pods that the gateway has in a cluster, in the same form.
most(id) := {"field": path(id, "maxReplicas"), "pods": input.clusters[id].effective.maxReplicas} if {
	replicas.is_autoscaled(input.clusters[id].effective)
}

else := fewest(id)

path(id, field) := sprintf("spec.overrides.%s.%s", [id, field]) if gateway.overrides[id][field]

else := sprintf("spec.%s", [field])
