package validate.labels_test

import data.validate.labels

given(spec) := {"gateway": {"metadata": {"name": "edge"}, "spec": spec}}

finding(field, message) := {
	"code": "labels",
	"field": field,
	"message": message,
	"fix": "remove it",
}

test_accepts_none if {
	every input_ in [{}, {"gateway": {}}, {"gateway": {"spec": {}}}, given({"podLabels": {}, "overrides": {"c1": {}}})] {
		labels.deny == set() with input as input_
	}
}

test_accepts_the_samples if {
	address := {"service.beta.kubernetes.io/alicloud-loadbalancer-address-type": "internet"}
	every spec in [
		{
			"podLabels": {"key1": "value1"},
			"podAnnotations": {"podAnnotationsKey1": "podAnnotationsValue1"},
			"serviceLabels": {"serviceLabelKey1": "serviceLabelValue1"},
			"serviceAnnotations": address,
			"overrides": {"c1": {"serviceAnnotations": address, "podAnnotations": {"k8s.aliyun.com/eci-vswitch": "vsw-a,vsw-b"}}},
		},
		{"podLabels": {"security.istio.io/tlsMode": "istio"}},
		{"podLabels": {"alibabacloud.com/eci": "true"}, "podAnnotations": {"proxy.istio.io/config": "{}"}},
	] {
		labels.deny == set() with input as given(spec)
	}
}

test_refuses_other_selectors_and_labels_of_pods if {
	every key, ours in {
		"app": "istio-edge",
		"istio": "edge",
		"istio.io/dataplane-mode": "none",
		"service.istio.io/canonical-name": "istio-edge",
		"service.istio.io/canonical-revision": "latest",
		"sidecar.istio.io/inject": "false",
	} {
		labels.deny == {finding(
			sprintf("spec.podLabels.%s", [key]),
			sprintf("must be %s, is mine", [ours]),
		)} with input as given({"podLabels": {key: "mine", "team": "edge"}})
		labels.deny == set() with input as given({"podLabels": {key: ours}})
	}
}

test_refuses_other_labels_of_services if {
	every key, ours in {
		"app": "istio-edge",
		"istio": "edge",
		"app.kubernetes.io/managed-by": "portcullis",
		"app.kubernetes.io/part-of": "istio",
	} {
		labels.deny == {finding(
			sprintf("spec.serviceLabels.%s", [key]),
			sprintf("must be %s, is mine", [ours]),
		)} with input as given({"serviceLabels": {key: "mine"}})
		labels.deny == set() with input as given({"serviceLabels": {key: ours}})
	}
}

test_refuses_other_annotations_of_pods if {
	every key, ours in {
		"prometheus.io/path": "/stats/prometheus",
		"prometheus.io/port": "15020",
		"prometheus.io/scrape": "true",
	} {
		labels.deny == {finding(
			sprintf("spec.podAnnotations.%s", [key]),
			sprintf("must be %s, is mine", [ours]),
		)} with input as given({"podAnnotations": {key: "mine"}})
		labels.deny == set() with input as given({"podAnnotations": {key: ours}})
	}
}

test_refuses_what_others_set_themselves if {
	every place in [
		["podLabels", "istio.io/rev"],
		["podLabels", "portcullis.dev/gateway"],
		["podAnnotations", "istio.io/rev"],
		["podAnnotations", "sidecar.istio.io/status"],
		["podAnnotations", "proxy.istio.io/overrides"],
		["podAnnotations", "inject.istio.io/templates"],
		["podAnnotations", "portcullis.dev/anything"],
		["serviceLabels", "portcullis.dev/gateway-uid"],
		["serviceLabels", "service.beta.kubernetes.io/hash"],
		["serviceLabels", "service.k8s.alibaba/loadbalancer-id"],
		["serviceAnnotations", "portcullis.dev/anything"],
	] {
		labels.deny == {finding(
			sprintf("spec.%s.%s", place),
			"must be left to those who set it themselves, is mine",
		)} with input as given({place[0]: {place[1]: "mine"}})
	}
}

test_names_every_override_that_replaces_an_annotation if {
	replaced := {"podAnnotations": {"prometheus.io/scrape": "false"}}
	labels.deny == {finding(
		sprintf("spec.overrides.%s.podAnnotations.prometheus.io/scrape", [id]),
		"must be true, is false",
	) |
		some id in ["c1", "c3"]
	}
		with input as given({"overrides": {"c1": replaced, "c2": {"podAnnotations": {"a": "b"}}, "c3": replaced}})
	labels.deny == {finding(
		"spec.overrides.c1.serviceAnnotations.portcullis.dev/a",
		"must be left to those who set it themselves, is b",
	)} with input as given({"overrides": {"c1": {"serviceAnnotations": {"portcullis.dev/a": "b"}}}})
}

test_takes_the_names_of_another_gateway_for_other_ones if {
	labels.deny == {finding("spec.podLabels.app", "must be istio-edge, is istio-other")}
		with input as given({"podLabels": {"app": "istio-other"}})
	labels.deny == {finding("spec.podLabels.app", "must be istio-, is istio-edge")}
		with input.gateway.spec.podLabels.app as "istio-edge"
}
