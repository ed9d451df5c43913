package lib.drain_test

import data.lib.drain

annotated(value) := {"metadata": {"annotations": {drain.annotation: value}}}

test_takes_the_default_for_an_empty_input if {
	not drain.asked with input as {}
	drain.seconds == 45 with input as {}
	drain.grace == 60 with input as {}
}

test_takes_the_time_that_is_asked_for if {
	drain.asked == "120" with input.gateway as annotated("120")
	drain.seconds == 120 with input.gateway as annotated("120")
	drain.grace == 135 with input.gateway as annotated("120")
}

test_takes_the_default_where_what_is_asked_for_is_no_time if {
	every other in ["", "0", "-1", "030", "1.5", "30s", "1e3", "1234567890", 30, null, ["30"]] {
		drain.seconds == 45 with input.gateway as annotated(other)
	}
}

test_gives_the_time_that_a_hook_sleeps_on_top if {
	drain.grace == 80 with input.gateway.spec.lifecycle.preStop.sleep.seconds as 20
}

test_reads_a_whole_number_above_zero if {
	every number in [1, 30, 890, 999999999] { drain.whole(sprintf("%d", [number])) == number }
}

test_reads_nothing_else if {
	every other in ["", "0", "00", " 30", "30 ", "30\n", "+30", "0x1e", true, {}, 30] { not drain.whole(other) }
}

test_takes_its_numbers_from_the_parameters if {
	drain.seconds == 20 with input as {}
		with data.parameters.drain.defaultSeconds as 20
	drain.grace == 50 with input as {}
		with data.parameters.drain.marginSeconds as 5
}

test_adds_no_time_for_other_hooks if {
	every hook in [{}, null, {"sleep": {}}, {"sleep": {"seconds": null}}, {"exec": {"command": ["sleep", "20"]}}, {"httpGet": {"path": "/", "port": 80}}] {
		drain.grace == 60 with input.gateway.spec.lifecycle.preStop as hook
	}
}

test_takes_no_other_annotation_for_the_drain_time if {
	others := {"asm.alibabacloud.com/managed-by-asm": "30", "gateway-drain-timeout-seconds": "30"}
	not drain.asked with input.gateway.metadata.annotations as others
	drain.seconds == 45 with input.gateway.metadata.annotations as others
}
