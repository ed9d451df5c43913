package validate.namespace_test

import data.validate.namespace

finding(message, fix) := {"code": "namespace", "field": "metadata.namespace", "message": message, "fix": fix}

test_refuses_an_empty_object if {
	fix := "create the gateway in istio-system"
	namespace.deny == {finding("must be istio-system, is absent", fix)} with input as {}
}

test_refuses_another_namespace if {
	fix := "create the gateway in istio-system"
	namespace.deny == {finding("must be istio-system, is default", fix)} with input.gateway.metadata.namespace as "default"
}

test_refuses_a_namespace_that_is_none_of_several if {
	message := "must be one of istio-gateways, istio-system, is default"
	fix := "create the gateway in one of istio-gateways, istio-system"
	namespace.deny == {finding(message, fix)} with input.gateway.metadata.namespace as "default"
		with data.parameters.namespace.allowed as ["istio-system", "istio-gateways"]
}

test_accepts_the_allowed_namespaces if {
	namespace.deny == set() with input.gateway.metadata.namespace as "istio-system"
	namespace.deny == set() with input.gateway.metadata.namespace as "istio-gateways"
		with data.parameters.namespace.allowed as ["istio-system", "istio-gateways"]
}

test_refuses_every_namespace_where_none_is_allowed if {
	count(namespace.deny) == 1 with input.gateway.metadata.namespace as "istio-system"
		with data.parameters.namespace.allowed as []
}
