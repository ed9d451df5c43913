package validate.ports_test

import data.validate.ports

# An update from some ports to others.
updated(old, new) := object.union(given(new), {"old": {"spec": {"serviceType": "LoadBalancer", "ports": old}}})

https := {"name": "https", "port": 443, "protocol": "TCP", "targetPort": 8443}

web := {"name": "web", "port": 8080, "protocol": "TCP", "targetPort": 80}

renamed(i, old, old_port, new, new_port) := denial(
	sprintf("spec.ports[%d].name", [i]),
	sprintf("must stay %s while the number changes from %d to %d, is %s: its node port would be lost", [old, old_port, new_port, new]),
	"change the number first and the name later, or add the new port before removing the old one",
)

test_refuses_a_port_that_is_renumbered_and_renamed_at_once if {
	ports.deny == {renamed(0, "http2", 80, "web", 8080)} with input as updated([http], [web])
	ports.deny == {renamed(1, "http2", 80, "web", 8080)} with input as updated([http, https], [https, web])
	ports.deny == {renamed(0, "http2", 80, "web", 8080)}
		with input as updated([http, https], [object.union(web, {"targetPort": 8080}), https])
}

test_accepts_one_change_at_a_time if {
	every new in [
		[http],
		[object.union(http, {"name": "web"})],
		[object.union(http, {"port": 8080})],
		[http, web],
		[],
		[object.union(http, {"targetPort": 8080})],
	] {
		ports.deny == set() with input as updated([http], new)
	}
}

test_accepts_a_port_that_goes_while_another_comes if {
	added := {"name": "tls", "port": 15443, "protocol": "TCP", "targetPort": 15443}
	ports.deny == set()
		with input as updated([http, https], [https, added, object.union(added, {"name": "b", "port": 1})])
}

test_accepts_other_names_where_node_ports_do_not_matter if {
	ports.deny == set() with input as updated([http], [object.union(web, {"nodePort": 30080})])
	ports.deny == set()
		with input as updated([http], [web])
		with input.gateway.spec.serviceType as "ClusterIP"
	ports.deny == set() with input as updated([http], [web]) with input.old.spec.serviceType as "ClusterIP"
	ports.deny == {renamed(0, "http2", 80, "web", 8080)} with input as updated([http], [web])
		with input.gateway.spec.serviceType as "NodePort"
		with input.old.spec as {"ports": [http]}
}

test_accepts_any_name_on_creation if {
	ports.deny == set() with input as given([web])
	ports.deny == set() with input as updated([object.remove(http, ["name"])], [web])
}
