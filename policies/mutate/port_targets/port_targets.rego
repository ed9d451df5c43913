# METADATA
# title: Port targets
# description: >-
#   ASM's own samples leave out a port's protocol or write targetPort 0, and mean TCP and the port's own number; a
#   Service with several ports needs a name for each.
# related_resources:
#   - ref: https://help.aliyun.com/en/asm/sidecar/crd-fields-for-an-asm-gateway
#     description: ASM gateway CRD reference, ports and the ingress gateway sample
# custom:
#   sources:
#     - Kubernetes API reference, Service v1, ports
package mutate.port_targets

import data.lib.pointer

ports := object.get(input, ["gateway", "spec", "ports"], [])

fill[path] := {"protocol": data.parameters.port_targets.protocol, "targetPort": port.port} if {
	some i, port in ports
	path := pointer.item("/spec/ports", i)
}

fill[path] := free[rank] if {
	some base in {base | some base in nameless}
	alike := [i | some i, other in nameless; other == base]
	free := free_names(base, count(alike))
	some rank, i in alike
	path := sprintf("%s/name", [pointer.item("/spec/ports", i)])
}

# ASM's samples write targetPort 0, and clients that serialise structs write zero values where their users wrote
# nothing.
absent := {0, ""}

# What each port that needs a name would be called were it alone.
nameless := {i: base |
	some i, port in ports
	not is_named(port)
	base := lower(sprintf("%s-%d", [protocol(port), port.port]))
}

is_named(port) if port.name != ""

protocol(port) := port.protocol if port.protocol != ""

else := data.parameters.port_targets.protocol

# As many names as are needed, and some to spare, that no port has: http-80, http-80-2, http-80-3 and so on.
free_names(base, needed) := [name | some name in array.concat([base], numbered); not name in taken] if {
	numbered := [sprintf("%s-%d", [base, n]) | some n in numbers.range(2, (needed + count(taken)) + 1)]
}

taken := {port.name | some port in ports}
