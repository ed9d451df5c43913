package lib.replicas_test

import data.lib.replicas

cpu := {"targetAverageUtilization": 80}

test_is_what_replica_count_says_without_an_autoscaler if {
	replicas.fewest({"replicaCount": 3}) == {"field": "replicaCount", "pods": 3} with input as {}
	replicas.fewest({"replicaCount": 0}) == {"field": "replicaCount", "pods": 0} with input as {}
}

test_is_one_when_nobody_says if {
	replicas.fewest({}) == {"field": "replicaCount", "pods": 1} with input as {}
	replicas.fewest({"maxReplicas": 4, "cpu": cpu}) == {"field": "minReplicas", "pods": 1} with input as {}
}

test_is_the_lower_bound_of_an_autoscaler if {
	every target in [{"cpu": cpu}, {"memory": cpu}, {"cpu": cpu, "memory": cpu, "autoscaleEnabled": true}] {
		spec := object.union(target, {"replicaCount": 5, "minReplicas": 2, "maxReplicas": 4})
		replicas.fewest(spec) == {"field": "minReplicas", "pods": 2} with input as {}
	}
}

test_is_not_that_of_an_autoscaler_that_is_not_made if {
	every other in [
		{"maxReplicas": 4, "minReplicas": 2},
		{"maxReplicas": 1, "minReplicas": 1, "cpu": {}},
		{"minReplicas": 2, "cpu": cpu},
		{"minReplicas": 2, "maxReplicas": 4, "cpu": cpu, "autoscaleEnabled": false},
	] {
		replicas.fewest(object.union(other, {"replicaCount": 5})).pods == 5 with input as {}
	}
}

test_is_unknown_when_others_count if {
	others := {"gateway": {"metadata": {"annotations": {"asm.alibabacloud.com/replicas-managed-by-asm": "false"}}}}
	not replicas.fewest({"replicaCount": 3}) with input as others
	replicas.fewest({"maxReplicas": 4, "minReplicas": 2, "cpu": cpu}).pods == 2 with input as others
}

test_counts_by_itself_unless_told_otherwise if {
	every other in ["true", "", "no"] {
		replicas.fewest({"replicaCount": 3}).pods == 3
			with input.gateway.metadata.annotations as {"asm.alibabacloud.com/replicas-managed-by-asm": other}
	}
}

test_is_told_by_the_fields_alone if {
	every field in replicas.fields {
		is_string(field)
	}
	spec := {"replicaCount": 3, "minReplicas": 2, "maxReplicas": 4, "cpu": cpu, "memory": {}, "autoscaleEnabled": true}
	{field | some field, _ in spec} == {field | some field in replicas.fields}
	replicas.fewest({field: spec[field] | some field in replicas.fields}).pods == 2 with input as {}
}
