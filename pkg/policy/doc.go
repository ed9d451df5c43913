// Package policy asks the rules for a decision. It is the only package that knows OPA, and it knows rules and
// JSON but none of our types, so that every caller asks in the same way.
//
// Rules are Rego packages in a file system, one folder each:
//
//	main/             collects what the rules say; the engine asks it and nothing else
//	lib/<name>/       what rules share
//	mutate/<rule>/    fill[path] := value, for what is absent; ensure contains {path, key, item}, for lists
//	validate/<rule>/  deny contains finding and warn contains finding
//	parameters.yaml   the numbers and lists of the rules, as data.parameters.<rule>
//
// A fill names a field by a JSON Pointer and says what it becomes when it is absent; an object is filled in key by
// key, and nothing that is written is ever replaced. A rule that has absent := {0, ""} says that these count as
// absent where it fills. An ensured item is appended unless the list has one with the same values of its key. Two
// rules that want different things for one place are an error, because which one won would be chance.
//
// A finding is {code, field, message, fix}, built by lib.result; its code is the rule's folder.
//
// What the rules cannot decide is an error and never a yes: an undefined answer, one of another shape, an error of
// a built-in, a panic, a deadline that passes.
package policy
