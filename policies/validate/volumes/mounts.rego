package validate.volumes

import data.lib.names

# METADATA
# description: >-
#   All volumes of the gateway, in the order in which pods get them, and where each is written.
volumes := array.concat(secrets, configs)

secrets := object.get(input, ["gateway", "spec", "secretVolumes"], [])

configs := object.get(input, ["gateway", "spec", "configVolumes"], [])

field(i, name) := sprintf("spec.secretVolumes[%d].%s", [i, name]) if i < count(secrets)

else := sprintf("spec.configVolumes[%d].%s", [i - count(secrets), name])

is_named(volume) if names.is_dns_label(volume.name)

# The mount paths that a container takes, in one spelling.
paths[i] := sprintf("/%s", [concat("/", steps)]) if {
	some i, volume in volumes
	is_string(volume.mountPath)
	startswith(volume.mountPath, "/")
	not contains(volume.mountPath, ":")
	steps := [step | some step in split(volume.mountPath, "/"); not step in {"", "."}]
	not ".." in steps
}

named[volume.name] contains i if some i, volume in volumes

is_taken(name, _) if name in parameters.reservedNames

is_taken(name, i) if i > min(named[name])

# The paths of other volumes that one lies in; of two that are the same, the first has it. Nothing can be mounted inside
# a volume that is read-only, as all of them are.
around(i, path) := {outer |
	steps := split(path, "/")
	some n in numbers.range(2, count(steps))
	outer := concat("/", array.slice(steps, 0, n))
	some j in mounted[outer]
	is_before([j, outer], [i, path])
}

mounted[path] contains i if some i, path in paths

is_before([_, outer], [_, path]) if outer != path

is_before([j, path], [i, path]) if j < i

# Over a path of the proxy's or around it is no better than in it.
overlap(path, reserved) if startswith(below(path), below(reserved))

overlap(path, reserved) if startswith(below(reserved), below(path))

below(path) := concat("", [trim_suffix(path, "/"), "/"])
