package validate.rolling_update

import data.lib.gateway
import data.lib.replicas

# METADATA
# description: >-
#   The fewest pods: of the spec, and in one cluster for each way in which it is overridden.
fewest[place] := least if {
	some place, spec in judged
	least := replicas.fewest(spec)
}

judged := object.union(
	{"spec": {field: input.gateway.spec[field] | some field in replicas.fields}},
	{variant: {field: input.clusters[id].effective[field] | some field in replicas.fields} |
		some variant, id in gateway.variants
	},
)

is_stuck if {
	number(surge) == 0
	number(unavailable) == 0
}

# Mostly so, however many pods there are: a share below all of them, rounded down, leaves one.
is_harmless if {
	number(surge) > 0
	number(unavailable) < 100
	endswith(unavailable, "%")
}

spec_stops_all if stops_all(fewest.spec.pods)

stops_all(pods) if {
	not is_stuck
	pods > 0
	stopped(pods) >= pods
}

# Kubernetes rounds down, and takes 1 where that leaves it no way to replace a pod.
stopped(pods) := 1 if {
	number(surge) == 0
	floor(amount(unavailable, pods)) == 0
}

else := floor(amount(unavailable, pods))

rounded(pods) := ", which counts as 1 where rollingMaxSurge is 0" if {
	number(surge) == 0
	floor(amount(unavailable, pods)) == 0
}

else := ""

amount(share, pods) := (n * pods) / 100 if {
	n := number(share)
	endswith(share, "%")
}

else := number(share)

# A number of pods or, before a percent sign, of hundredths of them.
number(share) := to_number(trim_suffix(share, "%")) if {
	is_string(share)
	regex.match(`^[0-9]{1,9}%?$`, share)
}
