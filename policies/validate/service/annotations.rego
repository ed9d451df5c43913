package validate.service

import data.lib.gateway
import data.lib.result

# METADATA
# description: >-
#   A new network load balancer; one that exists already has its zones.
deny contains finding if {
	input.gateway.spec.loadBalancerClass == parameters.nlb.class
	some id in gateway.clusters
	is_balanced(id)
	stated := object.get(input, ["clusters", id, "effective", "serviceAnnotations"], {})
	object.get(stated, parameters.nlb.existing, "") == ""
	found := zones(object.get(stated, parameters.nlb.zones, ""))
	count(found) < parameters.nlb.fewestZones
	finding := result.finding(rego.metadata.chain(), {
		"field": written(id, ["serviceAnnotations", parameters.nlb.zones]),
		"message": sprintf("must list a vSwitch in each of at least %d zones, lists %d", [parameters.nlb.fewestZones, count(found)]),
		"fix": "write it as zone-a:vsw-a,zone-b:vsw-b",
	})
}

# The zones in zone-a:vsw-a,zone-b:vsw-b; what follows the vSwitch, an address, is optional.
zones(maps) := {zone |
	some entry in split(maps, ",")
	[zone, switch] := array.slice(split(trim_space(entry), ":"), 0, 2)
	zone != ""
	switch != ""
}

deny contains finding if {
	some old in old_keys
	new := concat("", [parameters.prefix, trim_prefix(old, parameters.oldPrefix)])
	some id in gateway.clusters
	stated := input.clusters[id].effective.serviceAnnotations
	stated[old] != stated[new]
	finding := result.finding(rego.metadata.chain(), {
		"field": written(id, ["serviceAnnotations", old]),
		"message": sprintf("must say the same as %s, which is %s, is %s", [new, stated[new], stated[old]]),
		"fix": "remove it: its keyword is the old one",
	})
}

# Mostly none: annotations with the old keyword, wherever they are written.
old_keys contains key if {
	some key, _ in input.gateway.spec.serviceAnnotations
	startswith(key, parameters.oldPrefix)
}

old_keys contains key if {
	some key, _ in gateway.overridden.serviceAnnotations
	startswith(key, parameters.oldPrefix)
}
