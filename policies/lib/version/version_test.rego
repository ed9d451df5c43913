package lib.version_test

import data.lib.version

test_is_at_least_itself if {
	some same in ["1.16", "1.18.0.147", "4.19.43", "v1.36.3"]
	version.at_least(same, same)
}

test_counts_missing_numbers_as_zero if {
	version.at_least("1.16", "1.16.0.0")
	version.at_least("1.16.0.0", "1.16")
}

test_compares_numbers_not_text if {
	version.at_least("1.18.0.147", "1.9.7.107")
	version.at_least("1.18.0.1000", "1.18.0.147")
	not version.at_least("1.9", "1.16")
	not version.at_least("1.18.0.146", "1.18.0.147")
}

test_takes_what_follows_a_hyphen_for_a_build if {
	version.at_least("1.18.0-gabc123-aliyun", "1.18")
	version.at_least("5.10.134-16.al8.x86_64", "4.19.43")
	version.at_least("4.19.91-26.al7.x86_64", "4.19.43")
	not version.at_least("3.10.0-1160.el7.x86_64", "4.6")
}

test_takes_the_v_of_kubernetes if {
	version.at_least("v1.36.3", "1.32")
	not version.at_least("v1.28.9-aliyun.1", "1.29")
}

test_reads_versions_with_leading_zeros if version.at_least("1.08.1", "1.0")

test_never_takes_anything_else_for_recent_enough if {
	some other in ["", "unknown", "an unknown version", "release-1.20", "-1", ".1", "v"]
	not version.at_least(other, "0")
}
