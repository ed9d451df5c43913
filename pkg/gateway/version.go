package gateway

import (
	"cmp"
	"strconv"
	"strings"
)

// DefaultMeshVersion is the version of a mesh that nobody stated one for.
const DefaultMeshVersion = "1.26.0"

// versionParts is how many numbers a mesh version has: Istio's three and ASM's build, as in 1.18.0.147.
const versionParts = 4

// Capability is something that a mesh can do; its value is the first mesh version that can.
type Capability string

// What meshes of different versions do differently in rendering.
const (
	// PortsOutsidePodTemplate keeps the Service's ports out of the pod template, so that changing them
	// restarts nothing.
	PortsOutsidePodTemplate Capability = "1.16"
	// OverridesHPA honours the autoscaling fields and serviceType in overrides.
	OverridesHPA Capability = "1.16"
)

// In says whether a mesh of a version has the capability.
func (c Capability) In(version string) bool {
	return CompareVersions(version, string(c)) >= 0
}

// CompareVersions compares two mesh versions number by number: -1 when a is lower, 0 when both are the same,
// 1 when a is higher. Numbers that are missing count as 0. It is not semver: a version has four numbers, and
// what follows a hyphen (-g0123abc-aliyun) names a build, not an earlier version.
func CompareVersions(a, b string) int {
	left, right := parseVersion(a), parseVersion(b)
	for i := range versionParts {
		if order := cmp.Compare(left[i], right[i]); order != 0 {
			return order
		}
	}
	return 0
}

// parseVersion reads the numbers of a mesh version. What is no number counts as 0: the schema refuses such
// versions, and a comparison has nobody to tell.
func parseVersion(version string) [versionParts]uint64 {
	var out [versionParts]uint64
	numbers, _, _ := strings.Cut(strings.TrimPrefix(version, "v"), "-")
	for i, part := range strings.SplitN(numbers, ".", versionParts+1) {
		if i == versionParts {
			break
		}
		if number, err := strconv.ParseUint(part, 10, 32); err == nil {
			out[i] = number
		}
	}
	return out
}
