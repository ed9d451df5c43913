package validate.kernel_parameters

import data.lib.gateway
import data.lib.result
import data.lib.version

# METADATA
# description: A parameter that no kernel of a cluster has keeps every pod there from starting.
deny contains finding if {
	input.gateway.spec.kernel.enabled
	some name, parameter in picky
	without := [id |
		some id, kernels in kernels_of
		count(lacking(parameter, kernels)) == count(kernels)
	]
	count(without) > 0
	finding := result.finding(rego.metadata.chain(), {
		"field": field(name),
		"message": sprintf("must exist in the kernels of every cluster, is missing in %s", [concat(", ", without)]),
		"fix": "remove it",
	})
}

warn contains finding if {
	input.gateway.spec.kernel.enabled
	some name, parameter in picky
	partly := [id |
		some id, kernels in kernels_of
		missing := count(lacking(parameter, kernels))
		missing > 0
		missing < count(kernels)
	]
	count(partly) > 0
	finding := result.finding(rego.metadata.chain(), {
		"field": field(name),
		"message": sprintf("must exist in the kernels of all nodes, is missing on some of %s", [concat(", ", partly)]),
		"fix": "remove it, or keep the gateway off those nodes with spec.nodeSelector",
	})
}

warn contains finding if {
	input.gateway.spec.kernel.enabled
	some name, parameter in picky
	is_rare(parameter)
	unknown := gateway.clusters - object.keys(kernels_of)
	count(unknown) > 0
	finding := result.finding(rego.metadata.chain(), {
		"field": field(name),
		"message": sprintf("must exist in the kernels of every cluster, is rare, and those of %s are not known", [
			concat(", ", sort(unknown)),
		]),
		"fix": "remove it",
	})
}

# The parameters that not every kernel has.
picky := {name: parameter |
	some name, parameter in applied
	count(object.keys(parameter) & {"since", "before", "builds"}) > 0
}

kernels_of := {id: kernels |
	some id in gateway.clusters
	kernels := {kernel | some kernel in input.clusters[id].facts.kernelVersions}
	count(kernels) > 0
}

lacking(parameter, kernels) := {kernel | some kernel in kernels; is_missing(parameter, kernel)}

is_missing(parameter, kernel) if not version.at_least(kernel, object.get(parameter, "since", "0"))

is_missing(parameter, kernel) if version.at_least(kernel, parameter.before)

is_missing(parameter, kernel) if not regex.match(object.get(parameter, "builds", ""), kernel)

is_rare(parameter) if parameter.before

is_rare(parameter) if parameter.builds
