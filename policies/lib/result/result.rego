# METADATA
# title: Result
# description: The one shape that every validating rule answers in.
package lib.result

# METADATA
# description: >-
#   A finding of the rule whose metadata chain is passed. Its code is the rule's folder, taken from the package path so
#   that it cannot drift; its fix is the rule's own unless the finding has a better one.
finding(chain, found) := object.union({"code": code(chain[0].path), "fix": fix}, found) if {
	rule := chain[count(chain) - 1]
	fix := object.get(rule, ["annotations", "custom", "fix"], "")
}

# A rule of a GatewayPolicy is own.<policy>.validate.<rule>.
code(path) := path[3] if path[0] == "own"

code(path) := path[1] if path[0] != "own"
