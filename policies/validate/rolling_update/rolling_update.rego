# METADATA
# title: Rolling update
# description: >-
#   A Deployment that may neither add a pod nor miss one can never replace any. One that may miss all of them ends every
#   connection whenever its pods are replaced: with one pod, a rollingMaxUnavailable of 1 is enough.
# related_resources:
#   - ref: https://help.aliyun.com/en/asm/sidecar/crd-fields-for-an-asm-gateway
#     description: ASM gateway CRD reference, rollingMaxSurge and rollingMaxUnavailable
#   - ref: https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#rolling-update-deployment
#     description: Rolling update of a Deployment, which way shares are rounded
# custom:
#   absent:
#     - gateway.spec.overrides.*
#     - gateway.spec.rollingMaxSurge
#     - gateway.spec.rollingMaxUnavailable
#   fix: "set rollingMaxUnavailable to 0 and rollingMaxSurge to 1 or more: a pod goes when the new one is there"
package validate.rolling_update

import data.lib.gateway
import data.lib.result

parameters := data.parameters.rolling_update

surge := object.get(input, ["gateway", "spec", "rollingMaxSurge"], parameters.maxSurge)

unavailable := object.get(input, ["gateway", "spec", "rollingMaxUnavailable"], parameters.maxUnavailable)

deny contains finding if {
	some field, share in {"rollingMaxSurge": surge, "rollingMaxUnavailable": unavailable}
	not number(share)
	finding := result.finding(rego.metadata.chain(), {
		"field": sprintf("spec.%s", [field]),
		"message": sprintf("must be a number of pods or a share of them, is %v", [share]),
		"fix": "write it as \"1\" or \"25%\"",
	})
}

deny contains finding if {
	is_stuck
	finding := result.finding(rego.metadata.chain(), {
		"field": "spec.rollingMaxUnavailable",
		"message": "must be above 0 where rollingMaxSurge is 0, is 0: no pod could ever be replaced",
	})
}

deny contains finding if {
	not is_harmless
	spec_stops_all
	finding := result.finding(rego.metadata.chain(), {
		"field": "spec.rollingMaxUnavailable",
		"message": sprintf("must leave a pod running, is %s of %d%s", [unavailable, fewest.spec.pods, rounded(fewest.spec.pods)]),
	})
}

# What an override did not cause is reported once, where it is written.
deny contains finding if {
	not is_harmless
	not spec_stops_all
	some variant, _ in gateway.variants
	stops_all(fewest[variant].pods)
	some id, override in gateway.overrides
	object.remove(override, gateway.annotation_fields) == variant
	finding := result.finding(rego.metadata.chain(), {
		"field": sprintf("spec.overrides.%s.%s", [id, fewest[variant].field]),
		"message": sprintf("must be more than rollingMaxUnavailable stops at once, which is %s, is %d%s", [
			unavailable,
			fewest[variant].pods,
			rounded(fewest[variant].pods),
		]),
	})
}
