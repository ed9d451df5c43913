package policy

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
)

// testsDeadline is how long the tests of one policy may take together: the API server waits for them.
const testsDeadline = 3 * time.Second

// Check says what keeps one of the policies in the options from being used together with all the others: what New
// refuses, and tests of its own that it does not pass. Where it is to blame, alone or not, the error is a *FaultError.
// Others that are to blame without it are left out: they must not keep anybody from storing a good policy.
func Check(ctx context.Context, rules fs.FS, opts Options, name string) error {
	for {
		_, err := New(ctx, rules, opts)
		fault := (*FaultError)(nil)
		if !errors.As(err, &fault) || fault.Policies[name] != nil {
			if err != nil {
				return err
			}
			return checkTests(ctx, rules, opts, name)
		}
		opts.Policies = slices.DeleteFunc(slices.Clone(opts.Policies), func(p Policy) bool { return fault.Policies[p.Name] != nil })
	}
}

// checkTests runs the tests of one policy.
func checkTests(ctx context.Context, rules fs.FS, opts Options, name string) error {
	i := slices.IndexFunc(opts.Policies, func(p Policy) bool { return p.Name == name })
	if i < 0 || len(opts.Policies[i].Tests) == 0 {
		return nil
	}
	policy := opts.Policies[i]
	set, err := load(rules, opts)
	if err != nil {
		return err
	}
	found := faults{}
	tests, err := policy.parse(policy.Tests)
	found.add(name, err)
	for file, module := range tests {
		if set.modules[file] != nil {
			found.add(name, fmt.Errorf("%s: test must have another name than the module that it tests", strings.TrimPrefix(file, policy.folder())))
		}
		_, _, err := policy.packageOf(module, "_test")
		found.add(name, errors.Join(err, policy.checkReferences(module)))
		set.modules[file] = module
	}
	if len(found) > 0 {
		return found.err()
	}
	compiler, err := set.compile()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, testsDeadline, fmt.Errorf("tests must end within %s, have not", testsDeadline))
	defer cancel()
	runner := testRunner{compiler: compiler, data: set.data([]Policy{policy})}
	for _, file := range slices.Sorted(maps.Keys(tests)) {
		found.add(name, runner.run(ctx, tests[file]))
	}
	return found.err()
}

// testRunner runs Rego tests as opa test does: a rule whose name begins with test_ passes when it is true. Not OPA's own
// runner, for that evaluates where no panic can be recovered.
type testRunner struct {
	compiler *ast.Compiler
	data     map[string]any
}

// run runs the tests of a module, all of them, so that their author sees every one that does not pass.
func (r testRunner) run(ctx context.Context, module *ast.Module) error {
	var errs []error
	ran := 0
	for _, rule := range module.Rules {
		name, isTest := testName(rule)
		if !isTest {
			continue
		}
		ran++
		if len(rule.Head.Ref()) > 1 || len(rule.Head.Args) > 0 || rule.Head.Key != nil {
			// Of a partial rule the cases that fail are absent, as if they had never been.
			errs = append(errs, fmt.Errorf("%s: %s must be a rule without keys and arguments, so that it can fail", at(rule.Location), name))
			continue
		}
		if err := r.passes(ctx, module.Package.Path.Append(ast.StringTerm(name))); err != nil {
			errs = append(errs, fmt.Errorf("%s: %s %w", at(rule.Location), name, err))
		}
	}
	if ran == 0 {
		errs = append(errs, fmt.Errorf("%s: module must hold a test, holds none", at(module.Package.Location)))
	}
	return errors.Join(errs...)
}

// testName is the name of a test, if a rule is one.
func testName(rule *ast.Rule) (name string, isTest bool) {
	head, isVar := rule.Head.Ref()[0].Value.(ast.Var)
	return string(head), isVar && strings.HasPrefix(string(head), "test_")
}

// passes evaluates one test.
func (r testRunner) passes(ctx context.Context, test ast.Ref) error {
	done := make(chan evaluation, 1)
	go func() { done <- r.evaluate(ctx, test) }()
	select {
	case evaluated := <-done:
		if cause := context.Cause(ctx); cause != nil {
			return fmt.Errorf("must end: %w", cause)
		}
		if evaluated.err != nil {
			return fmt.Errorf("must be true, cannot be evaluated: %w", evaluated.err)
		}
		return isTrue(evaluated.results)
	case <-ctx.Done():
		return fmt.Errorf("must end: %w", context.Cause(ctx))
	}
}

// evaluate evaluates one test, and takes a panic for an error as decisions do.
func (r testRunner) evaluate(ctx context.Context, test ast.Ref) (out evaluation) {
	defer func() {
		if cause := recover(); cause != nil {
			out = evaluation{err: fmt.Errorf("panic: %v", cause)}
		}
	}()
	results, err := rego.New(
		rego.ParsedQuery(ast.NewBody(ast.NewExpr(ast.NewTerm(test)))),
		rego.Compiler(r.compiler),
		rego.Store(inmem.NewFromObject(r.data)),
		rego.StrictBuiltinErrors(true),
	).Eval(ctx)
	if err != nil {
		return evaluation{err: readable(err)}
	}
	return evaluation{results: results}
}

// isTrue says whether a test passed.
func isTrue(results rego.ResultSet) error {
	if len(results) != 1 || len(results[0].Expressions) != 1 {
		return errors.New("must be true, is undefined")
	}
	if value := results[0].Expressions[0].Value; value != true {
		return fmt.Errorf("must be true, is %s", inWords(value))
	}
	return nil
}
