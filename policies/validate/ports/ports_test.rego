package validate.ports_test

import data.validate.ports

denial(field, message, fix) := {"code": "ports", "field": field, "message": message, "fix": fix}

# A gateway with some ports, in one cluster.
given(listed) := {
	"gateway": {"spec": {"clusterIds": ["c1"], "serviceType": "LoadBalancer", "ports": listed}},
	"clusters": {"c1": {"mesh": {"version": "1.26"}, "effective": {"serviceType": "LoadBalancer"}}},
}

http := {"name": "http2", "port": 80, "protocol": "TCP", "targetPort": 80}

but(changes) := object.union(http, changes)

test_accepts_no_ports if {
	every input_ in [{}, {"gateway": {}}, {"gateway": {"spec": {}}}, given([])] {
		ports.deny | ports.warn == set() with input as input_
	}
}

test_accepts_the_samples if {
	every sample in [
		[
			{"name": "status-port", "port": 15020, "targetPort": 15020},
			{"name": "http2", "port": 80, "targetPort": 80},
			{"name": "https", "port": 443, "targetPort": 0},
			{"name": "tls", "port": 15443, "targetPort": 15443},
		],
		[
			{"name": "http-0", "port": 80, "protocol": "HTTP", "targetPort": 80},
			{"name": "https-1", "port": 443, "protocol": "HTTPS", "targetPort": 443},
		],
		[http, {"name": "https", "port": 443, "protocol": "TCP", "targetPort": 443}],
	] {
		ports.deny == set() with input as given(sample)
	}
}

test_accepts_what_kubernetes_tells_apart if {
	every others in [
		[http, {"name": "http3", "port": 80, "protocol": "UDP", "targetPort": 80}],
		[http, {"name": "other", "port": 8080, "protocol": "TCP", "targetPort": 80}],
		[{"port": 80}, {"port": 443}, {"name": "", "port": 8443}],
		[but({"name": "grpc-web", "protocol": "GRPC-Web"})],
	] {
		ports.deny == set() with input as given(others)
	}
}

test_refuses_names_that_are_no_dns_labels if {
	every name in ["HTTP2", "http_2", "-http", "http.2", sprintf("%064d", [0])] {
		ports.deny == {denial(
			"spec.ports[1].name",
			sprintf("must be a DNS label of at most 63 characters, is %s", [name]),
			"use lower-case letters, digits and hyphens",
		)} with input as given([http, {"name": name, "port": 81}])
	}
	ports.deny == set() with input as given([but({"name": sprintf("%063d", [0])})])
}

test_refuses_names_that_are_taken if {
	expected := {denial(
		sprintf("spec.ports[%d].name", [i]),
		"must be free, is http2 like that of spec.ports[0]",
		"choose another one, or remove the port",
	) |
		some i in [1, 2]
	}
	ports.deny == expected
		with input as given([http, but({"port": 81, "targetPort": 81}), but({"port": 82, "targetPort": 82})])
}

test_refuses_ports_that_are_taken_on_the_wire if {
	every pair in [["TCP", "TCP"], ["HTTP", "TCP"], ["GRPC", "https"], ["", "TCP"]] {
		ports.deny == {denial(
			"spec.ports[1].port",
			"must be free, is 80 over TCP like that of spec.ports[0]",
			"choose another one, or remove the port",
		)} with input as given([but({"protocol": pair[0]}), but({"name": "b", "protocol": pair[1]})])
	}
	ports.deny == {denial(
		"spec.ports[1].port",
		"must be free, is 80 over UDP like that of spec.ports[0]",
		"choose another one, or remove the port",
	)} with input as given([but({"protocol": "QUIC"}), but({"name": "b", "protocol": "UDP"})])
}

test_refuses_protocols_that_nobody_speaks if {
	every protocol in ["ICMP", "TCP ", 6] {
		ports.deny == {denial(
			"spec.ports[0].protocol",
			sprintf("must be one of GRPC, GRPC-WEB, HTTP, HTTP2, HTTP3, HTTPS, MONGO, MYSQL, QUIC, REDIS, SCTP, TCP, TLS, UDP, is %v", [protocol]),
			"use TCP where none of them is what runs on the port",
		)} with input as given([but({"protocol": protocol})])
	}
}

refused(protocol, release) := denial(
	"spec.ports[0].protocol",
	sprintf("must be TCP before mesh 1.9.7.107, is %s; the mesh is on %s", [protocol, release]),
	"use TCP, or update the mesh",
)

test_refuses_other_protocols_than_tcp_in_old_meshes if {
	every protocol in ["HTTP", "UDP"] {
		ports.deny == {refused(protocol, "1.9.7.106")} with input as given([but({"protocol": protocol})])
			with input.clusters.c1.mesh.version as "1.9.7.106"
		ports.deny == {refused(protocol, "an unknown version")}
			with input as given([but({"protocol": protocol})])
			with input.clusters.c1.mesh as {}
		ports.deny == set() with input as given([but({"protocol": protocol})])
			with input.clusters.c1.mesh.version as "1.9.7.107"
	}
	every protocol in ["TCP", ""] {
		ports.deny == set() with input as given([but({"protocol": protocol})])
			with input.clusters.c1.mesh.version as "1.8"
	}
}
