# METADATA
# title: Environment
# description: >-
#   istio-proxy's own environment tells it where its control plane is and who it is. A variable that takes one of its
#   names, or that comes twice, is left out in silence or keeps every new pod from being made.
# related_resources:
#   - ref: https://help.aliyun.com/en/asm/sidecar/crd-fields-for-an-asm-gateway
#     description: ASM gateway CRD reference, env
#   - ref: https://github.com/istio/istio/blob/master/manifests/charts/istio-control/istio-discovery/files/kube-gateway.yaml
#     description: Istio's own gateway pods, the environment of the proxy
#   - ref: https://help.aliyun.com/document_detail/87540.html
#     description: Collect logs with environment variables, the names for access logs
#   - ref: https://github.com/kubernetes/kubernetes/issues/113482
#     description: What becomes of variables that come twice
# custom:
#   absent:
#     - gateway.metadata.annotations.asm.alibabacloud.com/aliyun-logs-project
#     - gateway.spec.env.**
package validate.env

import data.lib.result

parameters := data.parameters.env

deny contains finding if {
	some i, variable in input.gateway.spec.env
	is_reserved(variable.name)
	finding := result.finding(rego.metadata.chain(), {
		"field": sprintf("spec.env[%d].name", [i]),
		"message": sprintf("must not be one that istio-proxy's own environment uses, is %s", [variable.name]),
		"fix": "remove it, or choose another name",
	})
}

deny contains finding if {
	input.gateway.spec.env
	some name, places in written
	count(places) > 1
	some i in places
	i > min(places)
	finding := result.finding(rego.metadata.chain(), {
		"field": sprintf("spec.env[%d].name", [i]),
		"message": sprintf("must be another one than those before it, is %s again", [name]),
		"fix": "remove the repetition",
	})
}

written[variable.name] contains i if some i, variable in input.gateway.spec.env

is_reserved(name) if name in parameters.reserved

is_reserved(name) if name == access_logs

is_reserved(name) if startswith(name, sprintf("%s_", [access_logs]))

# The gateway's annotations ask for access logs, and the log collector finds what to do in variables called so.
access_logs := sprintf("aliyun_logs_%s", [object.get(annotations, config_annotation, parameters.accessLogs)]) if {
	annotations := input.gateway.metadata.annotations
	annotations[project_annotation] != ""
}

config_annotation := "asm.alibabacloud.com/aliyun-logtail-config"

project_annotation := "asm.alibabacloud.com/aliyun-logs-project"
