package validate.resources

import data.lib.gateway
import data.lib.words

# METADATA
# description: >-
#   Where resources are written, by what they are: an override replaces them as a whole, and many clusters have the same.
written[input.gateway.spec.resources] contains "spec" if words.says_something(input.gateway.spec.resources)

written[override.resources] contains sprintf("spec.overrides.%s", [id]) if {
	gateway.overridden.resources
	some id, override in gateway.overrides
	words.says_something(override.resources)
}

# A quantity as Kubernetes reads it, in billionths: a whole number, because 0.2 and 200m are the same and fractions of
# theirs would not be. Undefined for one that is negative or cannot be read.
amount(quantity) := round(to_number(number) * factors[unit]) if {
	some [_, number, unit] in regex.find_all_string_submatch_n(quantity_form, sprintf("%v", [quantity]), 1)
}

# A number with an exponent has no unit.
quantity_form := `^\+?((?:[0-9]{1,18}|[0-9]{1,18}\.[0-9]{0,9}|\.[0-9]{1,9})(?:[eE][-+]?[0-9]{1,2}$)?)([numkMGTPE]|[KMGTPE]i)?$`

factors := {
	"n": 1,
	"u": 1000,
	"m": 1000000,
	"": 1000000000,
	"k": 1000000000000,
	"M": 1000000000000000,
	"G": 1000000000000000000,
	"T": 1000000000000000000000,
	"P": 1000000000000000000000000,
	"E": 1000000000000000000000000000,
	"Ki": 1024000000000,
	"Mi": 1048576000000000,
	"Gi": 1073741824000000000,
	"Ti": 1099511627776000000000,
	"Pi": 1125899906842624000000000,
	"Ei": 1152921504606846976000000000,
}
