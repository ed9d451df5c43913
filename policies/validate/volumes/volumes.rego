# METADATA
# title: Volumes
# description: >-
#   Two volumes of one name or at one place keep every new pod from being made; one that hides the proxy's certificates,
#   sockets or configuration keeps it from ever becoming ready.
# related_resources:
#   - ref: https://help.aliyun.com/en/asm/sidecar/crd-fields-for-an-asm-gateway
#     description: ASM gateway CRD reference, configVolumes and secretVolumes
#   - ref: https://github.com/istio/istio/blob/master/manifests/charts/istio-control/istio-discovery/files/kube-gateway.yaml
#     description: Istio's own gateway pods, the volumes of the proxy
#   - ref: https://kubernetes.io/docs/reference/generated/kubernetes-api/v1.34/#volumemount-v1-core
#     description: Kubernetes API reference, what a mount path may be
# custom:
#   absent:
#     - gateway.spec.configVolumes.*
#     - gateway.spec.secretVolumes.*
package validate.volumes

import data.lib.result

parameters := data.parameters.volumes

deny contains finding if {
	some i, volume in volumes
	not is_named(volume)
	finding := result.finding(rego.metadata.chain(), {
		"field": field(i, "name"),
		"message": sprintf("must be a DNS label of at most 63 characters, is %v", [object.get(volume, "name", "absent")]),
		"fix": "use lower-case letters, digits and hyphens",
	})
}

deny contains finding if {
	some name, places in named
	some i in places
	is_taken(name, i)
	finding := result.finding(rego.metadata.chain(), {
		"field": field(i, "name"),
		"message": sprintf("must be free, is %s like that of another volume of the pod", [name]),
		"fix": "choose another name",
	})
}

deny contains finding if {
	some i, volume in volumes
	not paths[i]
	finding := result.finding(rego.metadata.chain(), {
		"field": field(i, "mountPath"),
		"message": sprintf("must be an absolute path without .. and :, is %v", [object.get(volume, "mountPath", "absent")]),
		"fix": "write the whole path in the proxy's container, for example /etc/my-gateway",
	})
}

deny contains finding if {
	some i, path in paths
	some taken in (around(i, path) | {reserved | some reserved in parameters.reservedPaths; overlap(path, reserved)})
	finding := result.finding(rego.metadata.chain(), {
		"field": field(i, "mountPath"),
		"message": sprintf("must be apart from %s, which is taken, is %s", [taken, path]),
		"fix": "choose a path of its own, for example below /etc/my-gateway",
	})
}
