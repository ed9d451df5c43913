# METADATA
# title: Pointer
# description: JSON Pointers (RFC 6901), by which mutating rules name what they fill.
package lib.pointer

# METADATA
# description: The pointer to an item of a list.
item(list, index) := sprintf("%s/%d", [list, index])
