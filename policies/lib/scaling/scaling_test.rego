package lib.scaling_test

import data.lib.scaling

in_cluster(effective, overrides) := {
	"gateway": {"spec": {"overrides": overrides}},
	"clusters": {"c1": {"effective": effective}},
}

scaled := {"replicaCount": 1, "minReplicas": 2, "maxReplicas": 5, "cpu": {"targetAverageUtilization": 80}}

written := {"field": "spec.replicaCount", "pods": 3}

test_knows_no_number_for_an_empty_input if {
	not scaling.fewest("c1") with input as {}
	not scaling.most("c1") with input as {}
}

test_counts_the_replicas_that_are_written if {
	scaling.fewest("c1") == written with input as in_cluster({"replicaCount": 3}, {})
	scaling.most("c1") == written with input as in_cluster({"replicaCount": 3}, {})
}

test_counts_what_an_autoscaler_keeps_and_makes if {
	scaling.fewest("c1") == {"field": "spec.minReplicas", "pods": 2} with input as in_cluster(scaled, {})
	scaling.most("c1") == {"field": "spec.maxReplicas", "pods": 5} with input as in_cluster(scaled, {})
}

test_keeps_one_when_nobody_says_how_few if {
	least := object.remove(scaled, ["minReplicas"])
	scaling.fewest("c1") == {"field": "spec.minReplicas", "pods": 1} with input as in_cluster(least, {})
}

test_takes_nothing_else_for_an_autoscaler if {
	every effective in [
		{"replicaCount": 3, "minReplicas": 1, "maxReplicas": 1, "cpu": {}},
		{"replicaCount": 3, "minReplicas": 2, "cpu": {"targetAverageUtilization": 80}},
		object.union(scaled, {"replicaCount": 3, "autoscaleEnabled": false}),
	] {
		scaling.fewest("c1") == written with input as in_cluster(effective, {})
		scaling.most("c1") == written with input as in_cluster(effective, {})
	}
}

test_names_the_override_that_says_so if {
	stated := {"field": "spec.overrides.c1.replicaCount", "pods": 3}
	scaling.fewest("c1") == stated with input as in_cluster({"replicaCount": 3}, {"c1": {"replicaCount": 3}})
	scaling.fewest("c1") == written with input as in_cluster({"replicaCount": 3}, {"c1": {"serviceType": "ClusterIP"}})
}

test_knows_no_number_when_somebody_else_counts if {
	annotations := {"asm.alibabacloud.com/replicas-managed-by-asm": "false"}
	not scaling.fewest("c1") with input as in_cluster({"replicaCount": 3}, {})
		with input.gateway.metadata.annotations as annotations
	not scaling.most("c1") with input as in_cluster({"replicaCount": 3}, {})
		with input.gateway.metadata.annotations as annotations
	scaling.fewest("c1").pods == 2 with input as in_cluster(scaled, {})
		with input.gateway.metadata.annotations as annotations
}
