package mutate.port_targets_test

import data.mutate.port_targets

filled(ports) := fill if fill := port_targets.fill with input.gateway.spec.ports as ports

test_fills_nothing_into_an_empty_object if port_targets.fill == {} with input as {}

test_fills_nothing_where_there_are_no_ports if filled([]) == {}

test_fills_a_port_that_is_only_a_number if {
	filled([{"port": 80}]) == {
		"/spec/ports/0": {"targetPort": 80, "protocol": "TCP"},
		"/spec/ports/0/name": "tcp-80",
	}
}

test_counts_zero_values_as_absent if port_targets.absent == {0, ""}

test_takes_zero_values_for_what_is_absent if {
	filled([{"port": 443, "targetPort": 0, "name": "", "protocol": ""}]) == {
		"/spec/ports/0": {"targetPort": 443, "protocol": "TCP"},
		"/spec/ports/0/name": "tcp-443",
	}
}

test_leaves_written_names_alone if {
	filled([{"port": 80, "name": "http2"}, {"port": 443, "name": "https"}]) == {
		"/spec/ports/0": {"targetPort": 80, "protocol": "TCP"},
		"/spec/ports/1": {"targetPort": 443, "protocol": "TCP"},
	}
}

test_names_a_port_after_its_protocol if {
	filled([{"port": 80, "protocol": "HTTP"}])["/spec/ports/0/name"] == "http-80"
	filled([{"port": 8080, "protocol": "GRPC-Web"}])["/spec/ports/0/name"] == "grpc-web-8080"
}

test_names_no_two_ports_alike if {
	fills := filled([
		{"port": 80, "name": "tcp-80"},
		{"port": 80},
		{"port": 80, "protocol": "tcp"},
		{"port": 80, "protocol": "UDP"},
		{"port": 80, "name": "tcp-80-3"},
		{"port": 80, "protocol": "TCP"},
	])
	{path: name | some path, name in fills; endswith(path, "/name")} == {
		"/spec/ports/1/name": "tcp-80-2",
		"/spec/ports/2/name": "tcp-80-4",
		"/spec/ports/3/name": "udp-80",
		"/spec/ports/5/name": "tcp-80-5",
	}
}

test_fills_nothing_into_a_port_without_a_number if {
	filled([{"name": "http"}, {"protocol": "TCP"}, {}, null]) == {}
}

test_takes_another_protocol_from_the_parameters if {
	filled([{"port": 53}]) == {
		"/spec/ports/0": {"targetPort": 53, "protocol": "UDP"},
		"/spec/ports/0/name": "udp-53",
	} with data.parameters.port_targets.protocol as "UDP"
}
