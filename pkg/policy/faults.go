package policy

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
)

// FaultError says which GatewayPolicies keep a set of rules from being used, and why. Everything that is not said of
// a policy is said of none.
type FaultError struct {
	// Policies that are at fault, by name. Two that contradict each other are both at fault.
	Policies map[string]error
}

// Error names every fault, in the order of the policies' names.
func (e *FaultError) Error() string {
	lines := make([]string, 0, len(e.Policies))
	for _, name := range slices.Sorted(maps.Keys(e.Policies)) {
		lines = append(lines, fmt.Sprintf("GatewayPolicy %s: %v", name, e.Policies[name]))
	}
	return strings.Join(lines, "\n")
}

// faults gathers what is wrong with which policy.
type faults map[string][]error

// add blames a policy, if there is anything to blame it for.
func (f faults) add(policy string, err error) {
	if err != nil {
		f[policy] = append(f[policy], err)
	}
}

// err is all that was gathered, nil for nothing.
func (f faults) err() error {
	if len(f) == 0 {
		return nil
	}
	out := &FaultError{Policies: map[string]error{}}
	for name, errs := range f {
		out.Policies[name] = errors.Join(errs...)
	}
	return out
}

// blame finds out whose modules some errors of the compiler are in.
func blame(errs ast.Errors) error {
	found, library := faults{}, ast.Errors(nil)
	for _, err := range errs {
		name, _, isOwn := ownFile(err)
		if !isOwn {
			library = append(library, err)
			continue
		}
		found.add(name, readable(err))
	}
	if len(library) > 0 {
		return library
	}
	return found.err()
}

// ownFile takes the name of a policy's module apart.
func ownFile(err *ast.Error) (policy, file string, isOwn bool) {
	if err.Location == nil {
		return "", "", false
	}
	inside, isOwn := strings.CutPrefix(err.Location.File, ownFolder)
	policy, file, _ = strings.Cut(inside, "/")
	return policy, file, isOwn
}

// readable words an error of OPA for a policy's author: the file by the name that it has in the policy, line, column.
func readable(err error) error {
	var all ast.Errors
	var one *ast.Error
	switch {
	case errors.As(err, &all):
		var errs []error
		for _, err := range all {
			errs = append(errs, readable(err))
		}
		return errors.Join(errs...)
	case errors.As(err, &one) && one.Location != nil:
		return fmt.Errorf("%s: %s: %s", at(one.Location), one.Code, reason(one.Message))
	default:
		return err
	}
}

// reason words what OPA says of a built-in that we took away from it, as if it had never heard of it.
func reason(message string) string {
	name, isUndefined := strings.CutPrefix(message, "undefined function ")
	if isUndefined && ast.BuiltinMap[name] != nil {
		return name + " is forbidden: the same question must have the same answer, and asking must have no effect"
	}
	return message
}

// at is a place in a module, as readable writes it: a file of the library by its path, one of a policy by its name there.
func at(location *ast.Location) string {
	_, file, isOwn := ownFile(&ast.Error{Location: location})
	if !isOwn {
		file = location.File
	}
	// OPA counts columns from one, but sees the end of a file in column zero.
	return fmt.Sprintf("%s:%d:%d", file, location.Row, max(location.Col, 1))
}
