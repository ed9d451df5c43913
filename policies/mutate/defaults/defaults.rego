# METADATA
# title: Defaults
# description: >-
#   Writes down what a gateway would get anyway, so that its author sees it and a later change of a default changes no
#   gateway behind their back.
# related_resources:
#   - ref: https://help.aliyun.com/en/asm/sidecar/crd-fields-for-an-asm-gateway
#     description: ASM gateway CRD reference, default of each field
#   - ref: https://www.alibabacloud.com/help/en/alibaba-cloud-service-mesh/latest/modify-an-ingress-gateway-service
#     description: Modify an ingress gateway service, the older copy, which names the defaults
package mutate.defaults

import data.lib.gateway
import data.lib.words

parameters := data.parameters.defaults

spec := input.gateway.spec if is_object(input.gateway.spec)

else := {}

# What absent fields become. The engine leaves alone what is there, at any depth.
fill["/spec"] := object.remove(stated, withheld)

# What belongs inside an object is filled in only where that object is there, or will be.
fill[path] := value if {
	some field in (object.keys(parameters.within) & (object.keys(spec) | object.keys(stated)))
	walk(parameters.within[field], [inside, value])
	not is_object(value)
	steps := array.concat([field], inside)
	is_object(outcome(array.slice(steps, 0, count(steps) - 1)))
	object.get(stated, steps, null) == null
	path := sprintf("/spec/%s", [concat("/", steps)])
}

# What will be there: what is written, or else what is stated.
outcome(steps) := object.get(spec, steps, object.get(stated, steps, null))

# What is stated for the gateway as a whole; of two layers the narrower wins. What decides which layers there are
# cannot come from a narrower one.
stated := object.union_n([shared, object.remove(agreed, ["clusterIds", "gatewayType"])])

shared := object.union_n([
	parameters.all,
	object.get(parameters, gateway_type, {}),
	{"gatewayType": gateway_type},
])

gateway_type := object.get(spec, "gatewayType", parameters.all.gatewayType)

# What every cluster of the gateway states alike: one object holds for all of them.
agreed := {field: value |
	ids - object.keys(parameters.clusters) == set()
	some field, value in parameters.clusters[min(ids)]
	every id in ids { parameters.clusters[id][field] == value }
}

ids := gateway.clusters if gateway.managed

else := gateway.ids if count(gateway.ids) > 0

else := {id | some id in shared.clusterIds}

# Resources are one thought: half of somebody's and half of a default is what nobody wanted.
withheld contains "resources" if words.says_something(spec.resources)

# The policy is about traffic from outside; Kubernetes refuses it on a Service that has none.
withheld contains "externalTrafficPolicy" if outcome(["serviceType"]) == "ClusterIP"

# On its node's network a pod needs another policy.
withheld contains "dnsPolicy" if outcome(["hostNetwork"]) == true

withheld contains "clusterIds" if gateway.managed

# A list that is written stays as it is, and what other rules fill into its items contradicts no default.
withheld contains field if {
	some field, value in stated
	is_array(value)
	spec[field]
}
