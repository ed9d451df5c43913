package validate.service_test

import data.validate.service

prefix := "service.beta.kubernetes.io/alibaba-cloud-loadbalancer-"

old_prefix := "service.beta.kubernetes.io/alicloud-loadbalancer-"

zone_maps := sprintf("%szone-maps", [prefix])

nlb(annotations) := object.union(balanced, {"loadBalancerClass": "alibabacloud.com/nlb", "serviceAnnotations": annotations})

too_few(place, found) := denial(
	sprintf("%s.serviceAnnotations.%s", [place, zone_maps]),
	sprintf("must list a vSwitch in each of at least 2 zones, lists %d", [found]),
	"write it as zone-a:vsw-a,zone-b:vsw-b",
)

test_refuses_a_network_load_balancer_with_fewer_than_two_zones if {
	every maps, found in {"": 0, "a": 0, "a:": 0, ":vsw-1": 0, "a:vsw-1": 1, "a:vsw-1,a:vsw-2": 1, "a:vsw-1,": 1, "a:vsw-1,b": 1} {
		service.deny == {too_few("spec", found)} with input as given(nlb({zone_maps: maps}), {})
	}
	service.deny == {too_few("spec", 0)} with input as given(nlb({}), {})
	service.deny == {too_few("spec", 0)}
		with input as given(object.remove(nlb({}), ["serviceAnnotations"]), {})
}

test_accepts_a_network_load_balancer_with_its_zones if {
	every maps in ["a:vsw-1,b:vsw-2", "a:vsw-1, b:vsw-2", "a:vsw-1:10.0.0.1,b:vsw-2:10.0.0.2:eip-1", "a:v,b:w,c:x"] {
		service.deny == set() with input as given(nlb({zone_maps: maps}), {})
	}
}

test_accepts_a_network_load_balancer_that_exists_already if {
	service.deny == set() with input as given(nlb({sprintf("%sid", [prefix]): "nlb-1"}), {})
}

test_asks_for_zones_where_the_load_balancer_is if {
	two := {"serviceAnnotations": {zone_maps: "a:vsw-1,b:vsw-2"}}
	service.deny == set() with input as given(nlb({}), {"c1": two, "c2": two})
	service.deny == set() with input as given(nlb({}), {"c1": two, "c2": {"serviceType": "ClusterIP"}})
	service.deny == {too_few("spec.overrides.c2", 1)}
		with input as given(nlb({}), {"c1": two, "c2": {"serviceAnnotations": {zone_maps: "a:vsw-1"}}})
	service.deny == {too_few("spec", 0)} with input as given(nlb({}), {"c1": two})
}

test_asks_no_zones_of_other_classes if {
	service.deny == set() with input as given(object.union(nlb({}), {"loadBalancerClass": "a/b"}), {})
	service.deny == set() with input as given(object.remove(nlb({}), ["loadBalancerClass"]), {})
}

type(keyword_prefix, value) := {sprintf("%saddress-type", [keyword_prefix]): value}

contradicting(place, new, old) := denial(
	sprintf("%s.serviceAnnotations.%saddress-type", [place, old_prefix]),
	sprintf("must say the same as %saddress-type, which is %s, is %s", [prefix, new, old]),
	"remove it: its keyword is the old one",
)

test_refuses_keywords_that_contradict_each_other if {
	both := object.union(type(prefix, "intranet"), type(old_prefix, "internet"))
	service.deny == {contradicting("spec", "intranet", "internet")}
		with input as given(object.union(balanced, {"serviceAnnotations": both}), {})
}

test_refuses_an_override_that_contradicts_the_spec if {
	public := object.union(balanced, {"serviceAnnotations": type(old_prefix, "internet")})
	service.deny == {contradicting("spec", "intranet", "internet")}
		with input as given(public, {"c1": {"serviceAnnotations": type(prefix, "intranet")}})
	private := object.union(balanced, {"serviceAnnotations": type(prefix, "intranet")})
	service.deny == {contradicting("spec.overrides.c1", "intranet", "internet")}
		with input as given(private, {"c1": {"serviceAnnotations": type(old_prefix, "internet")}})
}

test_accepts_keywords_that_agree_or_have_nothing_to_do_with_each_other if {
	every annotations in [
		object.union(type(prefix, "intranet"), type(old_prefix, "intranet")),
		object.union(type(old_prefix, "internet"), {sprintf("%sspec", [prefix]): "slb.s1.small"}),
		type(old_prefix, "internet"),
	] {
		service.deny == set()
			with input as given(object.union(balanced, {"serviceAnnotations": annotations}), {})
	}
}
