package lib.names_test

import data.lib.names

test_takes_dns_labels if {
	longest := concat("", [sprintf("%054d", [0]), "-name-end"])
	count(longest) == 63
	every label in ["a", "http2", "http-80", "0", longest] { names.is_dns_label(label) }
}

test_takes_nothing_else if {
	too_long := sprintf("%064d", [0])
	every other in ["", "-a", "a-", "A", "a_b", "a.b", "a b", "ä", "a\n", too_long, null, 80, ["a"]] {
		not names.is_dns_label(other)
	}
}

test_is_not_fooled_by_more_than_one_line if {
	not names.is_dns_label("a\nb")
	not names.is_dns_label("\na")
}
