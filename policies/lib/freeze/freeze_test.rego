package lib.freeze_test

import data.lib.freeze

# 2026-11-25 is a Wednesday.
office := {"days": ["Wednesday"], "from": "08:00", "to": "18:00", "zone": "Asia/Shanghai"}

night := {"days": ["Friday"], "from": "22:00", "to": "06:00", "zone": "UTC"}

holds(period, now) if freeze.current([period]) with input.now as now

test_never_freezes_without_periods if not freeze.current([]) with input.now as "2026-11-25T12:00:00Z"

test_freezes_by_the_clock_of_the_zone if {
	every now in ["2026-11-25T00:00:00Z", "2026-11-25T09:59:59Z", "2026-11-25T17:59:59+08:00"] { holds(office, now) }
	every now in ["2026-11-24T23:59:59Z", "2026-11-25T10:00:00Z", "2026-11-24T02:00:00Z", "2026-11-26T02:00:00Z"] { not holds(office, now) }
}

test_takes_an_offset_for_a_zone if {
	every now in ["2026-11-25T00:00:00Z", "2026-11-25T09:59:59Z"] {
		holds(object.union(office, {"zone": "+08:00"}), now)
	}
	not holds(object.union(office, {"zone": "+08:00"}), "2026-11-25T10:00:00Z")
	holds(object.union(office, {"zone": "-03:30"}), "2026-11-25T11:30:00Z")
	not holds(object.union(office, {"zone": "-03:30"}), "2026-11-25T11:29:00Z")
}

test_goes_on_after_midnight if {
	every now in ["2026-11-27T22:00:00Z", "2026-11-27T23:59:00Z", "2026-11-28T00:00:00Z", "2026-11-28T05:59:00Z"] { holds(night, now) }
	every now in ["2026-11-27T05:00:00Z", "2026-11-27T21:59:00Z", "2026-11-28T06:00:00Z", "2026-11-28T22:30:00Z"] { not holds(night, now) }
}

test_freezes_a_whole_day if {
	day := object.union(office, {"from": "00:00", "to": "00:00", "zone": "UTC"})
	holds(day, "2026-11-25T00:00:00Z")
	holds(day, "2026-11-25T23:59:00Z")
	not holds(day, "2026-11-26T00:00:00Z")
}

test_freezes_once if {
	sale := {"since": "2026-11-10T00:00:00+08:00", "until": "2026-11-12T00:00:00+08:00"}
	holds(sale, "2026-11-09T16:00:00Z")
	holds(sale, "2026-11-11T15:59:59Z")
	not holds(sale, "2026-11-11T16:00:00Z")
	not holds(sale, "2026-11-09T15:59:59Z")
	words := "2026-11-10T00:00:00+08:00 to 2026-11-12T00:00:00+08:00"
	freeze.current([sale]) == words with input.now as "2026-11-11T00:00:00Z"
}

test_names_every_period_that_holds if {
	other := {"days": ["Tuesday", "Wednesday"], "from": "09:00", "to": "10:00", "zone": "UTC"}
	words := "Tuesday, Wednesday 09:00 to 10:00 UTC and Wednesday 08:00 to 18:00 Asia/Shanghai"
	freeze.current([office, night, other]) == words with input.now as "2026-11-25T09:30:00Z"
}
