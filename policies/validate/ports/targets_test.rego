package validate.ports_test

import data.validate.ports

to(target) := object.union(http, {"port": 8000, "targetPort": target})

not_free(number) := denial(
	"spec.ports[0].targetPort",
	sprintf("must be free for traffic, is %d, which istio-proxy keeps to itself", [number]),
	"choose another target port",
)

test_refuses_targets_that_the_proxy_keeps_to_itself if {
	every number in [15000, 15001, 15004, 15006, 15008, 15053, 15090] {
		ports.deny == {not_free(number)} with input as given([to(number)])
		every own in [{}, {"targetPort": 0}, {"targetPort": ""}] {
			ports.deny == {not_free(number)}
				with input as given([object.union({"name": "a", "port": number}, own)])
		}
	}
}

test_refuses_the_name_of_a_target_that_the_proxy_keeps_to_itself if {
	ports.deny == {not_free(15090)} with input as given([to("http-envoy-prom")])
}

test_accepts_the_status_ports if {
	every target in [15020, 15021, "metrics", "status-port"] {
		ports.deny == set() with input as given([to(target)])
	}
}

test_accepts_a_port_in_front_of_another_target if {
	ports.deny == set() with input as given([{"name": "a", "port": 15000, "targetPort": 8080}])
}

test_refuses_names_that_no_port_of_a_pod_has if {
	every name in ["web", "8080"] {
		ports.deny == {denial(
			"spec.ports[0].targetPort",
			sprintf("must be a number, is %s: the pods have no port of that name", [name]),
			"write the number that the proxy is to listen on",
		)} with input as given([to(name)])
	}
}

low(number) := denial(
	"spec.ports[0].targetPort",
	sprintf("must be at least 1024 on the host's network for a proxy that is not root, is %d", [number]),
	"choose a higher target port, or set spec.runAsRoot to true",
)

test_refuses_low_targets_that_cannot_be_bound if {
	every number in [1, 80, 1023] {
		ports.deny == {low(number)}
			with input as given([to(number)])
			with input.gateway.spec.hostNetwork as true
		ports.deny == {low(number)}
			with input as given([to(number)])
			with input.gateway.spec.hostNetwork as true
			with input.gateway.spec.runAsRoot as false
		ports.deny == set() with input as given([to(number)]) with input.gateway.spec.hostNetwork as true
			with input.gateway.spec.runAsRoot as true
		ports.deny == set() with input as given([to(number)]) with input.gateway.spec.hostNetwork as false
	}
	ports.deny == set() with input as given([to(1024)]) with input.gateway.spec.hostNetwork as true
}

shown(ids) := {
	"code": "ports",
	"field": "spec.ports[0].targetPort",
	"message": sprintf("must not lead to the metrics of a pod from a public load balancer, is 15020 in %s", [ids]),
	"fix": "remove the port, or set the annotation service.beta.kubernetes.io/alibaba-cloud-loadbalancer-address-type to intranet",
}

address_type(keyword, value) := {sprintf("service.beta.kubernetes.io/%s-loadbalancer-address-type", [keyword]): value}

test_warns_of_metrics_on_a_public_load_balancer if {
	every target in [15020, "metrics"] {
		ports.warn == {shown("c1")} with input as given([to(target)])
	}
	every annotations in [{}, address_type("alibaba-cloud", "internet"), address_type("alicloud", "internet"), {"a": "intranet"}] {
		ports.warn == {shown("c1")} with input as given([to(15020)])
			with input.clusters.c1.effective.serviceAnnotations as annotations
	}
}

test_warns_for_the_clusters_that_it_concerns if {
	public := {"effective": {"serviceType": "LoadBalancer"}}
	private := {"effective": {"serviceType": "LoadBalancer", "serviceAnnotations": address_type("alibaba-cloud", "intranet")}}
	inner := {"effective": {"serviceType": "ClusterIP"}}
	ports.warn == {shown("c1, c4")}
		with input.gateway.spec as {"clusterIds": ["c4", "c3", "c2", "c1"], "ports": [to(15020)]}
		with input.clusters as {"c1": public, "c2": private, "c3": inner, "c4": public, "c5": public}
}

test_does_not_warn_of_metrics_that_few_can_reach if {
	every keyword in ["alibaba-cloud", "alicloud"] {
		ports.warn == set() with input as given([to(15020)])
			with input.clusters.c1.effective.serviceAnnotations as address_type(keyword, "intranet")
	}
	every type in ["ClusterIP", "NodePort"] {
		ports.warn == set()
			with input as given([to(15020)])
			with input.clusters.c1.effective.serviceType as type
	}
	ports.warn == set() with input as given([to(15021)])
	ports.warn == set() with input as given([to(15020)]) with input.clusters as {}
}
