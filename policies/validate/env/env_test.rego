package validate.env_test

import data.validate.env

given(names) := {"gateway": {"spec": {"env": [{"name": name, "value": "v"} | some name in names]}}}

reserved(i, name) := {
	"code": "env",
	"field": sprintf("spec.env[%d].name", [i]),
	"message": sprintf("must not be one that istio-proxy's own environment uses, is %s", [name]),
	"fix": "remove it, or choose another name",
}

again(i, name) := {
	"code": "env",
	"field": sprintf("spec.env[%d].name", [i]),
	"message": sprintf("must be another one than those before it, is %s again", [name]),
	"fix": "remove the repetition",
}

test_accepts_no_environment if {
	every input_ in [{}, {"gateway": {}}, {"gateway": {"spec": {}}}, given([])] {
		env.deny == set() with input as input_
	}
}

test_accepts_what_the_proxy_does_not_use if {
	env.deny == set() with input as given(["envname1"])
	env.deny == set() with input as given([
		"ISTIO_META_DNS_CAPTURE", "ISTIO_META_REQUESTED_NETWORK_VIEW", "TZ", "pod_name", "POD_NAMES", "aliyun_logs_mesh-ingress-log",
	])
}

test_refuses_what_the_proxy_uses if {
	every name in [
		"CA_ADDR", "GOMEMLIMIT", "HOST_IP", "INSTANCE_IP", "ISTIO_CPU_LIMIT", "ISTIO_META_APP_CONTAINERS",
		"ISTIO_META_CLUSTER_ID", "ISTIO_META_INTERCEPTION_MODE", "ISTIO_META_MESH_ID", "ISTIO_META_NETWORK",
		"ISTIO_META_NODE_NAME", "ISTIO_META_OWNER", "ISTIO_META_POD_PORTS", "ISTIO_META_UNPRIVILEGED_POD",
		"ISTIO_META_WORKLOAD_NAME", "PILOT_CERT_PROVIDER", "POD_NAME", "POD_NAMESPACE", "PROXY_CONFIG",
		"SERVICE_ACCOUNT", "TRUST_DOMAIN",
	] {
		env.deny == {reserved(1, name)} with input as given(["a", name])
	}
}

test_refuses_what_a_variable_takes_from_elsewhere_too if {
	variable := {"name": "POD_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}
	env.deny == {reserved(0, "POD_NAME")} with input.gateway.spec.env as [variable]
}

test_refuses_names_that_come_again if {
	env.deny == {again(2, "a"), again(3, "a")} with input as given(["a", "b", "a", "a"])
	env.deny == {reserved(0, "CA_ADDR"), reserved(1, "CA_ADDR"), again(1, "CA_ADDR")}
		with input as given(["CA_ADDR", "CA_ADDR"])
}

test_takes_the_names_from_parameters if {
	env.deny == {reserved(0, "TZ")} with input as given(["TZ", "CA_ADDR"])
		with data.parameters.env.reserved as ["TZ"]
}

logged := {"asm.alibabacloud.com/aliyun-logs-project": "mesh-log"}

test_refuses_the_names_of_access_logs_that_are_asked_for if {
	names := ["aliyun_logs_mesh-ingress-log", "aliyun_logs_mesh-ingress-log_project", "aliyun_logs_mesh-ingress-logs"]
	env.deny == {reserved(0, names[0]), reserved(1, names[1])} with input as given(names)
		with input.gateway.metadata.annotations as logged
}

test_refuses_the_names_of_the_access_logs_that_an_annotation_names if {
	env.deny == {reserved(1, "aliyun_logs_edge_logstore")}
		with input as given(["aliyun_logs_mesh-ingress-log", "aliyun_logs_edge_logstore"])
		with input.gateway.metadata.annotations as object.union(logged, {"asm.alibabacloud.com/aliyun-logtail-config": "edge"})
}

test_accepts_other_logs_beside_them if {
	env.deny == set() with input as given(["aliyun_logs_app", "aliyun_logs_app_project"])
		with input.gateway.metadata.annotations as logged
	env.deny == set() with input as given(["aliyun_logs_mesh-ingress-log"])
		with input.gateway.metadata.annotations as {"asm.alibabacloud.com/aliyun-logs-project": ""}
}
