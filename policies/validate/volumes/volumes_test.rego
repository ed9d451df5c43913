package validate.volumes_test

import data.validate.volumes

denial(field, message, fix) := {"code": "volumes", "field": field, "message": message, "fix": fix}

secret(name, path) := {"name": name, "secretName": "s", "mountPath": path}

config(name, path) := {"name": name, "configMapName": "c", "mountPath": path}

given(secrets, configs) := {"gateway": {"spec": {"secretVolumes": secrets, "configVolumes": configs}}}

taken_name(field, name) := denial(
	field,
	sprintf("must be free, is %s like that of another volume of the pod", [name]),
	"choose another name",
)

taken_path(field, taken, path) := denial(
	field,
	sprintf("must be apart from %s, which is taken, is %s", [taken, path]),
	"choose a path of its own, for example below /etc/my-gateway",
)

test_accepts_no_volumes if {
	every input_ in [{}, {"gateway": {}}, {"gateway": {"spec": {}}}, given([], [])] {
		volumes.deny == set() with input as input_
	}
}

test_accepts_the_samples if {
	volumes.deny == set() with input as given(
		[secret("myexample-customingressgateway-certs", "/etc/istio/myexample-customingressgateway-certs")],
		[config("config-volume-lua", "/var/lib/lua")],
	)
	volumes.deny == set()
		with input as given([secret("ingressgateway-certs", "/etc/istio/ingressgateway-certs"), secret("ingressgateway-ca-certs", "/etc/istio/ingressgateway-ca-certs")], [])
}

test_accepts_paths_that_only_begin_alike if {
	volumes.deny == set()
		with input as given([secret("a", "/etc/lua"), secret("b", "/etc/lua2")], [config("c", "/etc/istio/proxy2")])
}

test_refuses_names_that_are_no_dns_labels if {
	every name in ["Certs", "my_certs", "a.b", "", sprintf("%064d", [0])] {
		volumes.deny == {denial(
			"spec.secretVolumes[0].name",
			sprintf("must be a DNS label of at most 63 characters, is %s", [name]),
			"use lower-case letters, digits and hyphens",
		)} with input as given([secret(name, "/a")], [])
	}
}

test_refuses_what_is_absent if {
	volumes.deny == {
		denial("spec.configVolumes[0].name", "must be a DNS label of at most 63 characters, is absent", "use lower-case letters, digits and hyphens"),
		denial("spec.configVolumes[0].mountPath", "must be an absolute path without .. and :, is absent", "write the whole path in the proxy's container, for example /etc/my-gateway"),
	} with input as given([], [{"configMapName": "c"}])
}

test_refuses_names_that_are_taken if {
	volumes.deny == {taken_name("spec.secretVolumes[1].name", "a")}
		with input as given([secret("a", "/a"), secret("a", "/b")], [])
	volumes.deny == {taken_name("spec.configVolumes[1].name", "a")}
		with input as given([secret("a", "/a")], [config("b", "/b"), config("a", "/c")])
}

test_refuses_the_names_of_the_proxys_own_volumes if {
	every name in [
		"workload-socket", "credential-socket", "workload-certs", "istiod-ca-cert",
		"istio-data", "istio-envoy", "istio-token", "istio-podinfo",
	] {
		volumes.deny == {taken_name("spec.configVolumes[0].name", name)}
			with input as given([], [config(name, "/a")])
	}
}

test_refuses_paths_that_are_not_absolute if {
	every path in ["etc/lua", "./lua", "", "../lua", "/etc/../lua", "/etc/lua/..", "/etc/lua:ro", 1] {
		volumes.deny == {denial(
			"spec.configVolumes[0].mountPath",
			sprintf("must be an absolute path without .. and :, is %v", [path]),
			"write the whole path in the proxy's container, for example /etc/my-gateway",
		)} with input as given([secret("a", "/a")], [config("b", path)])
	}
}

test_refuses_paths_that_are_taken if {
	every path in ["/a/b", "/a/b/", "//a/b", "/a/./b"] {
		volumes.deny == {taken_path("spec.configVolumes[0].mountPath", "/a/b", "/a/b")}
			with input as given([secret("a", "/a/b")], [config("b", path)])
	}
	volumes.deny == {taken_path("spec.configVolumes[1].mountPath", "/a", "/a/b")}
		with input as given([], [config("a", "/a"), config("b", "/a/b")])
	volumes.deny == {taken_path("spec.configVolumes[0].mountPath", "/a", "/a/b")}
		with input as given([], [config("a", "/a/b"), config("b", "/a")])
}

test_refuses_mounts_over_the_proxys_own_paths if {
	every path in [
		"/var/run/secrets/workload-spiffe-uds", "/var/run/secrets/credential-uds",
		"/var/run/secrets/workload-spiffe-credentials", "/var/run/secrets/istio", "/var/run/secrets/tokens",
		"/var/run/secrets", "/var/run/secrets/kubernetes.io/serviceaccount",
	] {
		volumes.deny == {taken_path("spec.secretVolumes[0].mountPath", "/var/run/secrets", path)}
			with input as given([secret("a", path)], [])
	}
	every path in ["/etc/istio/proxy", "/etc/istio/pod", "/var/lib/istio/data", "/etc/istio/config", "/usr/local/bin", "/run/secrets"] {
		volumes.deny == {taken_path("spec.secretVolumes[0].mountPath", path, path)}
			with input as given([secret("a", path)], [])
	}
	volumes.deny == {taken_path("spec.secretVolumes[0].mountPath", "/etc/istio/proxy", "/etc/istio/proxy/certs")}
		with input as given([secret("a", "/etc/istio/proxy/certs")], [])
}

test_refuses_mounts_around_the_proxys_own_paths if {
	volumes.deny == {taken_path("spec.secretVolumes[0].mountPath", "/var/lib/istio/data", "/var/lib")}
		with input as given([secret("a", "/var/lib")], [])
	volumes.deny == {taken_path("spec.secretVolumes[0].mountPath", taken, "/etc") |
		some taken in ["/etc/istio/config", "/etc/istio/pod", "/etc/istio/proxy"]
	} with input as given([secret("a", "/etc")], [])
	volumes.deny == {taken_path("spec.secretVolumes[0].mountPath", taken, "/") |
		some taken in data.parameters.volumes.reservedPaths
	} with input as given([secret("a", "/")], [])
}

test_takes_names_and_paths_from_parameters if {
	volumes.deny == {taken_name("spec.secretVolumes[0].name", "mine")}
		with input as given([secret("mine", "/a"), secret("istio-envoy", "/b")], [])
		with data.parameters.volumes.reservedNames as ["mine"]
	volumes.deny == {taken_path("spec.secretVolumes[0].mountPath", "/a", "/a/b")}
		with input as given([secret("x", "/a/b"), secret("y", "/etc/istio/proxy")], [])
		with data.parameters.volumes.reservedPaths as ["/a"]
}

test_counts_volumes_of_both_kinds_by_their_own_lists if {
	volumes.deny == {
		taken_path("spec.secretVolumes[1].mountPath", "/a", "/a"),
		taken_path("spec.configVolumes[0].mountPath", "/a", "/a"),
		taken_path("spec.configVolumes[1].mountPath", "/a", "/a/b/c"),
	} with input as given([secret("a", "/a"), secret("b", "/a")], [config("c", "/a"), config("d", "/a/b/c")])
}

test_says_all_that_is_wrong_with_a_volume_at_once if {
	volumes.deny == {
		taken_name("spec.secretVolumes[0].name", "istio-envoy"),
		taken_path("spec.secretVolumes[0].mountPath", "/etc/istio/proxy", "/etc/istio/proxy"),
	} with input as given([secret("istio-envoy", "/etc/istio/proxy")], [])
}

test_decides_about_many_volumes if {
	many := [secret(sprintf("a-%d", [n]), sprintf("/a/%d", [n])) | some n in numbers.range(1, 200)]
	volumes.deny == set() with input as given(many, [])
}
