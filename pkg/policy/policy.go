package policy

import (
	"context"
	"fmt"
	"io/fs"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
)

// What the engine asks of the rules: the two documents of policies/main.
const (
	mutateQuery   = "data.main.mutate"
	validateQuery = "data.main.validate"
)

// defaultDeadline leaves an admission webhook, which has five seconds, time to answer.
const defaultDeadline = time.Second

// Engine holds compiled rules. What it decides never changes, and any number of goroutines may ask it at once.
type Engine struct {
	// set is what was compiled, and compiler what came of it: once for all, because compiling takes a thousand times
	// as long as asking.
	set      *ruleSet
	compiler *ast.Compiler
	// variants of the rules, for the policies that match.
	variants variants
	// revision of all that decides.
	revision string
	// deadline of one evaluation.
	deadline time.Duration
	// layouts of the types that callers describe clusters with.
	layouts layouts
}

// Options are what an installation may decide about the rules.
type Options struct {
	// Parameters by the rule's code. Objects are merged over those of parameters.yaml key by key, lists and
	// scalars replace them, and null takes them away. A parameter that parameters.yaml does not have is refused:
	// it is a misspelt one, and its author would think it holds.
	Parameters map[string]any
	// Enforcement by the validating rule's code; Deny where it says nothing.
	Enforcement map[string]Enforcement
	// Policies add rules and change enforcement and parameters for the gateways that they match.
	Policies []Policy
	// Deadline of one evaluation, one second by default. What takes longer is an error, never a yes.
	Deadline time.Duration
	// Library names the library that the rules came as; empty for the one that the binaries carry.
	Library string
}

// New compiles the rules in a file system: main/ lib/ mutate/<rule>/ validate/<rule>/ and parameters.yaml, together
// with those of all policies. Tests (_test.rego) are left out. Rules that cannot be trusted to decide are refused
// here, before anything asks them: none at all, ones that do not compile, reach outside, fight or do not say what
// they are for. Where policies are to blame the error is a *FaultError.
func New(ctx context.Context, rules fs.FS, opts Options) (engine *Engine, err error) {
	// What makes the compiler panic does not compile, and must not take the process with it.
	defer func() {
		if cause := recover(); cause != nil {
			engine, err = nil, fmt.Errorf("compiling the rules: panic: %v", cause)
		}
	}()
	set, err := load(rules, opts)
	if err != nil {
		return nil, err
	}
	compiler, err := set.compile()
	if err != nil {
		return nil, err
	}
	engine = &Engine{set: set, compiler: compiler, revision: set.revision(opts.Library), deadline: opts.Deadline}
	if engine.deadline <= 0 {
		engine.deadline = defaultDeadline
	}
	if _, err := engine.variant(ctx, nil); err != nil {
		return nil, err
	}
	if err := engine.checkDefaults(ctx); err != nil {
		return nil, err
	}
	return engine, nil
}

// Revision names everything that the engine decides by: rules, parameters, enforcement and policies. It is the same
// wherever they are the same, so that a decision can be traced to what made it.
func (e *Engine) Revision() string {
	return e.revision
}

// Rules is how many there are, those of policies included.
func (e *Engine) Rules() int {
	return len(e.set.rules)
}

// Mutate says what the rules fill into a gateway. Any error means that nothing was decided.
func (e *Engine) Mutate(ctx context.Context, in Input) (Mutation, error) {
	concerned, in, err := e.concerned(ctx, in)
	if err != nil {
		return Mutation{}, fmt.Errorf("asking the mutating rules: %w", err)
	}
	// What is filled in is what the gateway as it shall be gets; what it was stored with is there already.
	return e.fill(ctx, concerned[0], in)
}

// fill asks the mutating rules of one variant.
func (e *Engine) fill(ctx context.Context, by *variant, in Input) (Mutation, error) {
	answer, err := e.ask(ctx, by.mutate, in)
	if err != nil {
		return Mutation{}, fmt.Errorf("asking the mutating rules: %w", err)
	}
	mutation, err := readMutation(answer)
	if err != nil {
		return Mutation{}, fmt.Errorf("reading the answer of the mutating rules: %w", err)
	}
	return mutation, nil
}

// Validate says what the rules refuse, warn of and record. Any error means that nothing was decided: it is never a
// yes, and never a no with reasons either.
func (e *Engine) Validate(ctx context.Context, in Input) (Verdict, error) {
	concerned, in, err := e.concerned(ctx, in)
	if err != nil {
		return Verdict{}, fmt.Errorf("asking the validating rules: %w", err)
	}
	var verdict Verdict
	for _, by := range concerned {
		answer, err := e.ask(ctx, by.validate, in)
		if err != nil {
			return Verdict{}, fmt.Errorf("asking the validating rules: %w", err)
		}
		said, err := readVerdict(answer)
		if err != nil {
			return Verdict{}, fmt.Errorf("reading the answer of the validating rules: %w", err)
		}
		verdict = verdict.and(by.enforce(said))
	}
	return verdict, nil
}
