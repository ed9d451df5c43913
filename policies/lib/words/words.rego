# METADATA
# title: Words
# description: Words that messages share.
package lib.words

# METADATA
# description: A choice as a message says it, for example one of ClusterIP, LoadBalancer.
one_of(choices) := sprintf("one of %s", [concat(", ", sort(choices))]) if count(choices) != 1

one_of(choices) := concat("", choices) if count(choices) == 1

# METADATA
# description: >-
#   Whether a value says anything. Consoles write {} and nested {} where they mean nothing, and so do clients that
#   serialise structs.
says_something(value) if {
	walk(value, [_, part])
	not is_object(part)
	not is_array(part)
	not is_null(part)
}
