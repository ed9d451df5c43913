// Package bundle takes the rules from an OPA bundle instead of from the binary. It runs OPA's own plugin manager with
// OPA's own bundle plugin and nothing else: no decision logs, no status reports, no discovery, no other plugins. So
// where bundles come from, how they are signed and how they are kept is what OPA's documentation says it is.
//
// A bundle has the layout of policies/, except that the rules' parameters are the bundle's data:
//
//	.manifest         {"revision": "…"}, which every decision then names; it must be there
//	main/ lib/ mutate/ validate/   the modules
//	data.parameters   what parameters.yaml says; in data.json, or in parameters/data.yaml
//	data.schemas      parameters and input: what parameters.schema.json and schemas/input.json say
//
// What else a bundle's data holds is refused, because no rule could read it.
//
// OPA downloads, verifies, unpacks and compiles a bundle in a transaction of its store. Before that transaction is
// committed the rules are handed on as a file system; if they are refused there, the transaction is aborted, and for
// OPA too the bundle is a bad one: it is not persisted, its ETag is forgotten, and the last good one stays.
package bundle
