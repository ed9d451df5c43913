# METADATA
# title: Freeze
# description: >-
#   Times in which something must not happen. A period is either weekly, {days, from, to, zone}, or once, {since,
#   until}. days are names (Friday), from and to are times of day (22:00), of which the second is not in the period;
#   where to is not later than from, the period ends on the next day. zone is a name (Asia/Shanghai) or an offset from
#   UTC (+08:00). since and until are RFC 3339.
package lib.freeze

# METADATA
# description: A period that holds now, in words; undefined when none does.
current(periods) := concat(" and ", sort({words(period) | some period in periods; holds(period)})) if {
	some period in periods
	holds(period)
}

now := time.parse_rfc3339_ns(input.now)

holds(period) if {
	time.parse_rfc3339_ns(period.since) <= now
	now < time.parse_rfc3339_ns(period.until)
}

# On the day itself.
holds(period) if {
	time.weekday(clock(period)) in period.days
	minute(clock(period)) >= minutes(period.from)
	minute(clock(period)) < last(period)
}

# After midnight of a day whose period goes on.
holds(period) if {
	day_before[time.weekday(clock(period))] in period.days
	minutes(period.to) <= minutes(period.from)
	minute(clock(period)) < minutes(period.to)
}

last(period) := minutes(period.to) if minutes(period.to) > minutes(period.from)

else := 24 * 60

# The time there, as the built-in functions take it. An offset is no zone to them, so the time itself is moved.
clock(period) := [now + offset(period.zone), "UTC"] if offset(period.zone)

else := [now, period.zone]

# Not 24 hours earlier: where clocks change, that can be the day before that.
day_before := {
	"Monday": "Sunday",
	"Tuesday": "Monday",
	"Wednesday": "Tuesday",
	"Thursday": "Wednesday",
	"Friday": "Thursday",
	"Saturday": "Friday",
	"Sunday": "Saturday",
}

offset(zone) := ((sign(zone) * minutes(substring(zone, 1, -1))) * 60) * 1000000000 if {
	regex.match(`^[+-]\d\d:\d\d$`, zone)
}

sign(zone) := -1 if startswith(zone, "-")

else := 1

minute(moment) := (time.clock(moment)[0] * 60) + time.clock(moment)[1]

minutes(text) := (to_number(hours) * 60) + to_number(rest) if [hours, rest] := split(text, ":")

words(period) := sprintf("%s %s to %s %s", [concat(", ", period.days), period.from, period.to, period.zone])

words(period) := sprintf("%s to %s", [period.since, period.until])
