# METADATA
# title: Version
# description: >-
#   Versions of meshes, kernels and Kubernetes. None of them is semver: a mesh has four numbers (1.18.0.147), and what
#   follows a hyphen names a build (5.10.134-16.al8.x86_64), not an earlier version.
package lib.version

# METADATA
# description: Whether a version is a minimum or later. What is no version never is.
at_least(version, minimum) if numbers(version) >= numbers(minimum)

# Read as a JSON list, which is one step where a number at a time would be many. JSON has no leading zeros.
numbers(version) := array.slice(json.unmarshal(sprintf("[%s,0,0,0]", [listed])), 0, 4) if {
	dotted := regex.find_n(`^v?(0|[1-9][0-9]*)(\.(0|[1-9][0-9]*))*`, version, 1)[0]
	listed := strings.replace_n({"v": "", ".": ","}, dotted)
}
